#include "benches/submitters.hpp"

#include <utility>

#include "benches/machine.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kSendTimeoutMs = 5'000;

// Empty where it is a success.
std::string failure_in(const HttpMessage& message) {
  const int status = http_status(message.first_line);
  if (status == 200 && message.body.find("SUCCESS") != std::string_view::npos) return {};
  return std::to_string(status) + " " + std::string(message.body);
}

}  // namespace

class Submitters::Client final : public Watcher {
 public:
  Client(Submitters& all, std::size_t place, Socket socket)
      : all_(all), place_(place), messages_(std::in_place, all.loop_, std::move(socket)) {}
  const Socket& socket() const { return messages_->socket(); }

  void submit_next() {
    const std::optional<NextTransaction> next = all_.source_.next_transaction(place_);
    if (!next) {
      all_.idle_.push_back(this);
      return;
    }
    number_ = next->number;
    begin_ns_ = next->begin_ns;
    busy_ = true;
    ++all_.busy_;
    part_ = 0;
    send_part();
  }

  void on_readable() override {
    if (!messages_->fill()) return give_up("the server closed a connection");
    HttpMessage message;
    for (;;) {
      const HttpFound found = messages_->next(message);
      if (found == HttpFound::partial) return;
      if (found == HttpFound::malformed) return give_up("an answer cannot be read");
      if (!busy_) return give_up("an answer came that nobody waits for");
      take(message);
      if (!messages_) return;
    }
  }

 private:
  void send_part() {
    if (!send_all(socket(), all_.request_.numbered(number_, part_))) give_up("a request could not be sent");
  }

  void take(const HttpMessage& message) {
    const bool more = part_ + 1 < all_.request_.parts();
    if (more && http_status(message.first_line) == 200) {
      ++part_;
      send_part();
      return;
    }
    become_idle();
    all_.source_.on_answer(TransactionAnswer{.client = place_,
                                             .number = number_,
                                             .begin_ns = begin_ns_,
                                             .end_ns = now_ns(),
                                             .failure = failure_in(message)});
    submit_next();
  }

  void become_idle() {
    if (!busy_) return;
    busy_ = false;
    --all_.busy_;
  }

  void give_up(const char* why) {
    become_idle();
    if (all_.trouble_.empty()) all_.trouble_ = why;
    messages_.reset();
  }

  Submitters& all_;
  std::size_t place_;
  std::optional<MessageSocket> messages_;  // none after giving up
  std::uint64_t number_ = 0;
  std::int64_t begin_ns_ = 0;
  std::size_t part_ = 0;
  bool busy_ = false;
};

Result<std::unique_ptr<Submitters>> Submitters::start(EventLoop& loop, HttpRequest& request, TransactionSource& source,
                                                      const std::vector<Address>& servers, std::size_t clients) {
  std::unique_ptr<Submitters> all(new Submitters(loop, request, source));
  for (std::size_t place = 0; place < clients; ++place) {
    Result<Socket> socket = connect_to(servers[place % servers.size()], kSendTimeoutMs);
    if (!socket) return socket.error();
    all->clients_.push_back(std::make_unique<Client>(*all, place, std::move(socket).value()));
    Result<Done> watched = loop.watch(all->clients_.back()->socket(), *all->clients_.back());
    if (!watched) return watched.error();
  }
  for (const auto& client : all->clients_) client->submit_next();
  return all;
}

Submitters::Submitters(EventLoop& loop, HttpRequest& request, TransactionSource& source)
    : loop_(loop), request_(request), source_(source) {}

Submitters::~Submitters() = default;

void Submitters::wake() {
  for (std::size_t tries = idle_.size(); tries > 0; --tries) {
    Client& client = *idle_.back();
    idle_.pop_back();
    client.submit_next();
    if (!idle_.empty() && idle_.back() == &client) return;
  }
}

}  // namespace settle::bench
