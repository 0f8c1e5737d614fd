#include "storage/mysql/wall_time.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <time.h>

#include <array>

namespace settle::mysql {
namespace {

// The machine's local zone, as long as this lives.
class LocalZone {
 public:
  explicit LocalZone(const char* name) {
    setenv("TZ", name, 1);  // NOLINT(concurrency-mt-unsafe): this program has one thread
    tzset();
  }
  ~LocalZone() {
    unsetenv("TZ");  // NOLINT(concurrency-mt-unsafe)
    tzset();
  }
  LocalZone(const LocalZone&) = delete;
  LocalZone& operator=(const LocalZone&) = delete;
};

const WallTime kLocal{std::nullopt};

TEST_CASE("mysql/wall time: local zones -> as their clocks show it, and back") {
  struct Row {
    const char* zone;
    std::int64_t wall_ms;
    const char* text;
  };
  const std::array rows{
      Row{"UTC", 1'700'000'000'000, "2023-11-14 22:13:20"},
      Row{"UTC", 0, "1970-01-01 00:00:00"},
      Row{"UTC", -1'000, "1969-12-31 23:59:59"},
      Row{"Asia/Shanghai", 1'700'000'000'000, "2023-11-15 06:13:20"},
      Row{"Asia/Shanghai", 1'709'222'400'000, "2024-03-01 00:00:00"},
      Row{"America/New_York", 1'700'000'000'000, "2023-11-14 17:13:20"},
      Row{"America/New_York", 1'720'000'000'000, "2024-07-03 05:46:40"},
      Row{"Australia/Lord_Howe", 1'720'000'000'000, "2024-07-03 20:16:40"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.zone);
    CAPTURE(row.text);
    const LocalZone zone(row.zone);
    CHECK(kLocal.text(row.wall_ms) == row.text);
    CHECK(kLocal.parse(row.text) == row.wall_ms);
  }
}

TEST_CASE("mysql/wall time: a fixed distance from UTC -> whatever the machine's zone is") {
  const LocalZone zone("America/New_York");
  CHECK(WallTime(8 * 3'600).text(1'700'000'000'000) == "2023-11-15 06:13:20");
  CHECK(WallTime(8 * 3'600).parse("2023-11-15 06:13:20") == 1'700'000'000'000);
  CHECK(WallTime(-12'600).text(1'700'000'000'000) == "2023-11-14 18:43:20");
  CHECK(WallTime(0).text(1'700'000'000'000) == "2023-11-14 22:13:20");
}

TEST_CASE("mysql/wall time: fractions of a second -> left out, never rounded up") {
  const LocalZone zone("UTC");
  CHECK(kLocal.text(1'700'000'000'999) == "2023-11-14 22:13:20");
  CHECK(kLocal.text(-1) == "1969-12-31 23:59:59");
  CHECK(kLocal.parse("2023-11-14 22:13:20.999999") == 1'700'000'000'000);
  CHECK(floor_to_seconds(1'999) == 1'000);
  CHECK(floor_to_seconds(-1) == -1'000);
  CHECK(floor_to_seconds(2'000) == 2'000);
}

TEST_CASE("mysql/wall time: clocks that are put back -> the later of the two moments") {
  const LocalZone zone("America/New_York");
  constexpr std::int64_t kFirstMs = 1'699'162'200'000;  // 2023-11-05 01:30:00 -04:00
  constexpr std::int64_t kSecondMs = kFirstMs + 3'600'000;
  CHECK(kLocal.text(kFirstMs) == "2023-11-05 01:30:00");
  CHECK(kLocal.text(kSecondMs) == "2023-11-05 01:30:00");
  CHECK(kLocal.parse("2023-11-05 01:30:00") == kSecondMs);
  CHECK(kLocal.parse("2023-11-05 00:59:59") == kFirstMs - 1'801'000);
  CHECK(kLocal.parse("2023-11-05 02:00:00") == kSecondMs + 1'800'000);
}

TEST_CASE("mysql/wall time: a text from the hour that is missing -> as if the clocks had not been put forward yet") {
  const LocalZone zone("America/New_York");
  constexpr std::int64_t kForwardMs = 1'710'054'000'000;  // 2024-03-10 02:00:00 -05:00, which is 03:00:00 -04:00
  CHECK(kLocal.text(kForwardMs - 1'000) == "2024-03-10 01:59:59");
  CHECK(kLocal.text(kForwardMs) == "2024-03-10 03:00:00");
  CHECK(kLocal.parse("2024-03-10 02:30:00") == kForwardMs + 1'800'000);
  CHECK(kLocal.parse("2024-03-10 01:59:59") == kForwardMs - 1'000);
  CHECK(kLocal.parse("2024-03-10 03:00:00") == kForwardMs);
}

TEST_CASE("mysql/wall time: every half hour of two years, in odd zones -> back to itself, or to the later one") {
  for (const char* name : {"America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"}) {
    CAPTURE(name);
    const LocalZone zone(name);
    for (std::int64_t wall_ms = 1'672'531'200'000; wall_ms < 1'735'689'600'000; wall_ms += 1'800'000) {
      const std::string text = kLocal.text(wall_ms);
      const auto back_ms = kLocal.parse(text);
      REQUIRE(back_ms);
      REQUIRE(*back_ms >= wall_ms);
      REQUIRE(kLocal.text(*back_ms) == text);
    }
  }
}

TEST_CASE("mysql/wall time: what is no time -> nothing") {
  for (const char* text :
       {"", "0000-00-00 00:00:00", "2023-02-29 00:00:00", "2023-13-01 00:00:00", "2023-01-01 24:00:00", "2023-01-01",
        "2023-01-01T00:00:00", "2023-01-01 00:00:00Z", "2023-01-01 00:00:0", "x023-01-01 00:00:00"}) {
    CAPTURE(text);
    CHECK(!kLocal.parse(text));
  }
}

}  // namespace

TEST_CASE("mysql/wall time: texts of many moments -> those of WallTime, and nothing for a time left open") {
  const WallTime times(8 * 3600);
  TimeTexts texts(times);
  CHECK(texts.of(0).empty());
  const std::string& text = texts.of(1'700'000'000'000);
  CHECK(text == times.text(1'700'000'000'000));
  CHECK(&texts.of(1'700'000'000'999) == &text);
  for (std::int64_t wall_ms = 1'700'000'000'001; wall_ms < 1'700'000'100'000; wall_ms += 997) {
    CHECK(texts.of(wall_ms) == times.text(wall_ms));
  }
  CHECK(text == times.text(1'700'000'000'000));
}

}  // namespace settle::mysql
