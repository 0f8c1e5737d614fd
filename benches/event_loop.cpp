#include "benches/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace settle::bench {

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->epoll_ = Socket(::epoll_create1(EPOLL_CLOEXEC));
  if (!loop->epoll_.open()) {
    return Error{Code::internal, "no epoll: " + std::generic_category().message(errno)};
  }
  return loop;
}

Result<Done> EventLoop::watch(const Socket& socket, Watcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, socket.descriptor(), &event) != 0) {
    return Error{Code::internal, "cannot watch a socket: " + std::generic_category().message(errno)};
  }
  return Done{};
}

void EventLoop::run_once(std::int64_t timeout_us) {
  constexpr std::int64_t kUsPerSecond = 1'000'000;
  std::array<epoll_event, 256> events;
  const std::int64_t wait_us = std::max<std::int64_t>(timeout_us, 0);
  const timespec timeout{.tv_sec = wait_us / kUsPerSecond, .tv_nsec = wait_us % kUsPerSecond * 1000};
  const int count =
      ::epoll_pwait2(epoll_.descriptor(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < count; ++i) static_cast<Watcher*>(events[static_cast<std::size_t>(i)].data.ptr)->on_readable();
}

bool MessageSocket::fill() {
  ssize_t count = 0;
  do {
    count = ::recv(socket_.descriptor(), loop_.scratch(), EventLoop::kScratchBytes, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN)
    count = 0;
  else if (count <= 0)
    return false;
  const std::string_view received(loop_.scratch(), static_cast<std::size_t>(count));
  if (kept_.empty()) {
    pending_ = received;
  } else {
    kept_.append(received);
    pending_ = kept_;
  }
  return true;
}

HttpFound MessageSocket::next(HttpMessage& message) {
  const HttpFound found = find_http_message(pending_, message);
  if (found == HttpFound::whole) {
    pending_.remove_prefix(message.size);
  } else {
    kept_ = std::string(pending_);
    pending_ = kept_;
  }
  return found;
}

}  // namespace settle::bench
