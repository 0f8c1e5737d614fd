#include "settle/process.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace settle;

namespace {

// A process that does nothing until it is told to end.
class Child {
 public:
  Child() {
    REQUIRE(::pipe(to_child_.data()) == 0);
    REQUIRE(::pipe(from_child_.data()) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) live();
    ::close(to_child_[0]);
    ::close(from_child_[1]);
    std::array<char, 128> text{};
    const ssize_t length = ::read(from_child_[0], text.data(), text.size());
    REQUIRE(length > 0);
    name_.assign(text.data(), static_cast<std::size_t>(length));
  }
  ~Child() { end(); }

  const std::string& name() const { return name_; }
  void end() {
    if (pid_ < 0) return;
    ::close(to_child_[1]);
    ::waitpid(pid_, nullptr, 0);
    ::close(from_child_[0]);
    pid_ = -1;
  }

 private:
  [[noreturn]] void live() {
    ::close(to_child_[1]);
    const std::string name = this_process().name;
    const bool told = ::write(from_child_[1], name.data(), name.size()) > 0;
    char byte = 0;
    if (told) (void)!::read(to_child_[0], &byte, 1);
    ::_exit(0);
  }

  std::array<int, 2> to_child_{};
  std::array<int, 2> from_child_{};
  pid_t pid_ = -1;
  std::string name_;
};

}  // namespace

TEST_CASE("process: another one of this machine -> gone once it has ended, and not before") {
  const ProcessPort own = this_process();
  REQUIRE_FALSE(own.name.empty());
  CHECK(own.name.size() <= 64);
  Child child;
  CHECK(child.name() != own.name);
  CHECK_FALSE(own.is_gone(child.name()));
  child.end();
  CHECK(own.is_gone(child.name()));
}

TEST_CASE("process: itself -> not gone; an earlier one that had its pid -> gone") {
  const ProcessPort own = this_process();
  CHECK(this_process().name == own.name);
  CHECK_FALSE(own.is_gone(own.name));
  CHECK(own.is_gone(own.name.substr(0, own.name.rfind('-')) + "-1"));
}

TEST_CASE("process: of another machine, another start of it, or no such name -> nothing is known of it") {
  const ProcessPort own = this_process();
  Child child;
  child.end();
  std::string elsewhere = child.name();
  elsewhere[0] = elsewhere[0] == '0' ? '1' : '0';
  CHECK_FALSE(own.is_gone(elsewhere));
  for (const char* const name : {"", "-", "--", "-1-", "abc", "settle"}) CHECK_FALSE(own.is_gone(name));
  const std::string here = own.name.substr(0, own.name.find('-'));
  for (const char* const rest : {"", "-", "-0-1", "--1-1", "-x-1", "-99999999999999999999-1", "-1"}) {
    CHECK_FALSE(own.is_gone(here + rest));
  }
}
