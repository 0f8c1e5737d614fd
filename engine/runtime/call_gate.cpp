#include "engine/runtime/call_gate.hpp"

#include <algorithm>
#include <utility>

namespace settle::runtime {

std::string_view call_target(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return url.substr(0, url.find('/'));
  const std::size_t authority = scheme_end + 3;
  const std::string_view scheme = url.substr(0, scheme_end);
  const bool is_http = is_scheme(scheme, "http") || is_scheme(scheme, "https");
  if (is_http) return url.substr(0, url.find_first_of("/?#", authority));
  const std::size_t path = url.find('/', authority);
  return path == std::string_view::npos ? url : url.substr(0, url.find('/', path + 1));
}

std::string_view url_scheme(std::string_view url) {
  const std::size_t end = url.find("://");
  return url.substr(0, end == std::string_view::npos ? 0 : end);
}

bool is_scheme(std::string_view scheme, std::string_view lower_case) {
  const auto same = [](char letter, char lower) {
    return (letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter) == lower;
  };
  return scheme == lower_case || std::equal(scheme.begin(), scheme.end(), lower_case.begin(), lower_case.end(), same);
}

void CallGate::enter(std::string_view url, Place& place, Task start) {
  Targets::value_type& target = *targets_.try_emplace(std::string(call_target(url))).first;
  place.target_ = &target;
  if (target.second.in_flight < limit_) {
    ++target.second.in_flight;
    start();
    return;
  }
  place.waiting_ = true;
  ++waiting_;
  place.task_ = target.second.waiting.insert(target.second.waiting.end(), [&place, start = std::move(start)]() mutable {
    place.waiting_ = false;
    start();
  });
}

void CallGate::cancel(Place& place) {
  Targets::value_type& target = *std::exchange(place.target_, nullptr);
  place.waiting_ = false;
  --waiting_;
  target.second.waiting.erase(place.task_);
  forget_if_unused(target);
}

void CallGate::release(Place& place) {
  Targets::value_type& target = *std::exchange(place.target_, nullptr);
  if (target.second.waiting.empty()) {
    --target.second.in_flight;
    forget_if_unused(target);
    return;
  }
  Task next = std::move(target.second.waiting.front());
  target.second.waiting.pop_front();
  --waiting_;
  next();
}

void CallGate::forget_if_unused(Targets::value_type& target) {
  // Targets come back at once under load; dropping them all the time would cost more than keeping a few.
  constexpr std::size_t kTargetsKept = 1024;
  if (target.second.in_flight == 0 && target.second.waiting.empty() && targets_.size() > kTargetsKept) {
    targets_.erase(targets_.find(target.first));
  }
}

}  // namespace settle::runtime
