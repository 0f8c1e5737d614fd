#include "benches/participant.hpp"

#include <utility>

namespace settle::bench {
namespace {

constexpr std::string_view kSuccess =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n"
    R"({"dtm_result":"SUCCESS"})"
    "\n";
constexpr std::string_view kBroken =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"
    R"({"message":"out now"})"
    "\n";
constexpr std::int64_t kSendTimeoutMs = 5'000;

}  // namespace

class Participant::Door final : public Watcher {
 public:
  Door(Participant& participant, Listener listener) : participant_(participant), listener_(std::move(listener)) {}
  const Listener& listener() const { return listener_; }
  void on_readable() override {
    Socket socket = accept_from(listener_.socket, kSendTimeoutMs);
    if (socket.open()) participant_.admit(std::move(socket));
  }

 private:
  Participant& participant_;
  Listener listener_;
};

class Participant::Visitor final : public Watcher {
 public:
  Visitor(Participant& participant, Socket socket)
      : participant_(participant), messages_(participant.loop_, std::move(socket)) {}
  const Socket& socket() const { return messages_.socket(); }
  void on_readable() override {
    if (!serve()) participant_.visitors_.erase(this);
  }

 private:
  // False where the connection has ended.
  bool serve() {
    if (!messages_.fill()) return false;
    HttpMessage message;
    HttpFound found = messages_.next(message);
    for (; found == HttpFound::whole; found = messages_.next(message)) {
      const std::optional<CalledBranch> call = called_branch(message.first_line);
      if (!call) ++participant_.unreadable_;
      const bool success = call && participant_.observer_.on_call(*call);
      if (!send_all(socket(), success ? kSuccess : kBroken) || message.close_after) return false;
    }
    if (found == HttpFound::malformed) ++participant_.unreadable_;
    return found == HttpFound::partial;
  }

  Participant& participant_;
  MessageSocket messages_;
};

Result<std::unique_ptr<Participant>> Participant::listen(EventLoop& loop, CallObserver& observer) {
  Result<Listener> listener = listen_on_loopback();
  if (!listener) return listener.error();
  std::unique_ptr<Participant> participant(new Participant(loop, observer));
  participant->door_ = std::make_unique<Door>(*participant, std::move(listener).value());
  Result<Done> watched = loop.watch(participant->door_->listener().socket, *participant->door_);
  if (!watched) return watched.error();
  return participant;
}

Participant::Participant(EventLoop& loop, CallObserver& observer) : loop_(loop), observer_(observer) {}

Participant::~Participant() = default;

std::uint16_t Participant::port() const { return door_->listener().port; }

void Participant::admit(Socket socket) {
  auto visitor = std::make_unique<Visitor>(*this, std::move(socket));
  // One that cannot be watched is closed here: the server sees a broken connection.
  if (!loop_.watch(visitor->socket(), *visitor)) return;
  Visitor* key = visitor.get();
  visitors_.emplace(key, std::move(visitor));
}

}  // namespace settle::bench
