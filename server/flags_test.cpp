#include "server/flags.hpp"

#include <doctest/doctest.h>

namespace settle::server {
namespace {

TEST_CASE("server/flags: short and long ones -> taken") {
  const Result<Flags> none = parse_flags({});
  REQUIRE(none);
  CHECK(!none.value().config_path);
  CHECK(!none.value().debug);
  const Result<Flags> all = parse_flags({"-c", "conf.yml", "-d", "-r", "-v", "-h", "--test-clock"});
  REQUIRE(all);
  CHECK(all.value().config_path == "conf.yml");
  CHECK(all.value().debug);
  CHECK(all.value().reset);
  CHECK(all.value().version);
  CHECK(all.value().help);
  CHECK(all.value().test_clock);
  CHECK(parse_flags({"--config=conf.yml"}).value().config_path == "conf.yml");
}

TEST_CASE("server/flags: bad ones -> one line that names them") {
  CHECK(parse_flags({"-x"}).error().message.find("-x") != std::string::npos);
  CHECK(parse_flags({"--test"}).error().message.find("--test") != std::string::npos);
  CHECK(parse_flags({"-c"}).error().message.find("--config") != std::string::npos);
  CHECK(parse_flags({"conf.yml"}).error().message.find("-c FILE") != std::string::npos);
  for (const char* argument : {"-x", "--test", "-c", "conf.yml"}) {
    CHECK(parse_flags({argument}).error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("server/flags: help -> tells every flag") {
  const std::string text = help_text();
  for (const char* flag : {"-c", "-d", "-r", "-v", "-h", "--test-clock"}) {
    CAPTURE(flag);
    CHECK(text.find(flag) != std::string::npos);
  }
}

}  // namespace
}  // namespace settle::server
