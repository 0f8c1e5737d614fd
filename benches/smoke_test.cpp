// Runs every subcommand for a second, so that none can rot, and checks the form of what it prints.
#include <doctest/doctest.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/json/parse.hpp>

namespace {

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome run(const std::string& arguments) {
  Outcome outcome;
  FILE* pipe = ::popen((std::string(SETTLE_BENCH_PROGRAM) + " " + arguments).c_str(), "r");
  REQUIRE(pipe != nullptr);
  char bytes[4096];
  std::size_t count = 0;
  while ((count = ::fread(bytes, 1, sizeof bytes, pipe)) > 0) outcome.output.append(bytes, count);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

// The results of a run that must be fine.
boost::json::array results_of(const std::string& arguments) {
  const Outcome outcome = run(arguments + " --json");
  CAPTURE(outcome.output);
  REQUIRE(outcome.status == 0);
  boost::system::error_code failure;
  const boost::json::value parsed = boost::json::parse(outcome.output, failure);
  REQUIRE_FALSE(failure);
  return parsed.at("results").as_array();
}

double number(const boost::json::value& result, const char* key) {
  CAPTURE(key);
  REQUIRE(result.as_object().contains(key));
  return result.at(key).to_number<double>();
}

void check_speed(const boost::json::value& result) {
  CHECK(number(result, "per_second") > 0);
  CHECK(number(result, "p50_ms") > 0);
  CHECK(number(result, "p50_ms") <= number(result, "p99_ms"));
  CHECK(number(result, "p99_ms") <= number(result, "p999_ms"));
}

// A short run of `command` in each mode.
void check_every_mode(const std::string& command) {
  for (const char* mode : {"saga", "msg", "tcc"}) {
    const boost::json::array results =
        results_of(command + " --server " SETTLED_PROGRAM " --clients 4 --seconds 0.5 --mode " + mode +
                   " --warm-up-seconds 0.1 --allow-volatile");
    REQUIRE(results.size() == 1);
    check_speed(results[0]);
    CHECK(results[0].at("mode") == mode);
    CHECK(number(results[0], "repeated_calls") == 0);
    CHECK(number(results[0], "checked") >= 4);
  }
}

}  // namespace

TEST_CASE("bench/store: every store -> all that was accepted is progressed, read, finished or taken up again") {
  const boost::json::array results = results_of(
      "store --store memory rocksdb mysql --group 2 16 --payload-bytes 0 1000 --seconds 0.05 --allow-volatile");
  REQUIRE(results.size() == 12);
  const char* const stores[] = {"memory", "rocksdb", "mysql"};
  for (std::size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i);
    const boost::json::value& result = results[i];
    CHECK(result.at("store") == stores[i / 4]);
    CHECK(number(result, "payload_bytes") == (i % 4 < 2 ? 0 : 1000));
    CHECK(number(result, "group") == (i % 2 == 0 ? 2 : 16));
    CHECK(number(result, "transactions") >= number(result, "group"));
    for (const char* speed :
         {"per_second", "progressed_per_second", "finished_per_second", "loaded_per_second", "recovered_per_second"}) {
      CHECK(number(result, speed) > 0);
    }
    CHECK(number(result, "group_p50_ms") <= number(result, "group_p99_ms"));
    CHECK((number(result, "syncs") > 0) == (result.at("store") == "rocksdb"));
  }
}

TEST_CASE("bench/engine: every store -> one result each, durable only where a disk is below") {
  const boost::json::array results = results_of(
      "engine --store rocksdb memory mysql --in-flight 32 --seconds 1 --warm-up-seconds 0.1 --allow-volatile");
  REQUIRE(results.size() == 3);
  CHECK(results[0].at("store") == "rocksdb");
  CHECK(results[0].at("durable").as_bool() ==
        (results[0].at("file_system") != "tmpfs" && results[0].at("file_system") != "ramfs"));
  CHECK(number(results[0], "syncs") > 0);
  CHECK(number(results[0], "group_size") >= 1);
  CHECK(results[1].at("store") == "memory");
  CHECK_FALSE(results[1].at("durable").as_bool());
  CHECK(results[2].at("store") == "mysql");
  for (const boost::json::value& result : results) check_speed(result);
}

TEST_CASE("bench/engine: several shards, many steps -> every step is called") {
  const boost::json::array results = results_of(
      "engine --store memory --shards 2 --steps 5 --in-flight 8 --seconds 0.5 --warm-up-seconds 0.1 --payload-bytes 0");
  REQUIRE(results.size() == 1);
  check_speed(results[0]);
}

TEST_CASE("bench/engine: without --json -> a table") {
  const Outcome outcome = run("engine --store memory --in-flight 4 --seconds 0.5 --warm-up-seconds 0");
  CHECK(outcome.status == 0);
  CHECK(outcome.output.find("transactions/s ") != std::string::npos);
}

TEST_CASE("bench/http: a server of its own -> speed, CPU, memory") {
  const boost::json::array results =
      results_of("http --server " SETTLED_PROGRAM " --clients 8 --seconds 1 --warm-up-seconds 0.1 --allow-volatile");
  REQUIRE(results.size() == 1);
  check_speed(results[0]);
  CHECK(results[0].at("server") == "settled");
  CHECK(number(results[0], "server_rss_mib") > 0);
  CHECK(number(results[0], "groups_per_transaction") > 0);
  CHECK(number(results[0], "group_size") >= 1);
  CHECK(number(results[0], "repeated_calls") == 0);
}

TEST_CASE("bench/http: unfinished transactions in the store -> found at the start, and left alone") {
  for (const std::string store : {"rocksdb", "mysql"}) {
    CAPTURE(store);
    const boost::json::array results = results_of("http --server " SETTLED_PROGRAM " --store " + store +
                                                  " --unfinished 3000 --clients 4 --seconds 0.5 --warm-up-seconds 0.1"
                                                  " --allow-volatile");
    REQUIRE(results.size() == 1);
    check_speed(results[0]);
    CHECK(number(results[0], "unfinished") == 3000);
    CHECK(number(results[0], "start_seconds") > 0);
    CHECK(number(results[0], "repeated_calls") == 0);
  }
}

TEST_CASE("bench/http, grpc: an open loop -> as many transactions as were due") {
  for (const std::string command : {"http", "grpc"}) {
    CAPTURE(command);
    const boost::json::array results = results_of(command + " --server " SETTLED_PROGRAM
                                                            " --store memory --rate 50 --clients 8 --seconds 1"
                                                            " --warm-up-seconds 0.1");
    REQUIRE(results.size() == 1);
    check_speed(results[0]);
    CHECK(number(results[0], "rate") == 50);
    CHECK(number(results[0], "transactions") <= 60);
    CHECK(number(results[0], "repeated_calls") == 0);
  }
}

TEST_CASE("bench/http: every mode -> all of its branches are called once") { check_every_mode("http"); }

TEST_CASE("bench/grpc: every mode -> all of its branches are called once") { check_every_mode("grpc"); }

TEST_CASE("bench/grpc: beside another, in rounds -> medians, their spread, and how much faster the first is") {
  // settled reads the environment that DTM reads, so it can stand in for it.
  const boost::json::array results =
      results_of("grpc --server " SETTLED_PROGRAM " --dtm " SETTLED_PROGRAM
                 " --dtm-store memory --rounds 2 --clients 4 --channels 2 --seconds 0.5 --warm-up-seconds 0.1"
                 " --allow-volatile 2>/dev/null");
  REQUIRE(results.size() == 2);
  CHECK(results[0].at("store") == "rocksdb");
  CHECK(results[1].at("store") == "memory");
  CHECK(number(results[0], "first_times_as_fast") == 1);
  CHECK(number(results[1], "first_times_as_fast") > 0);
  for (const boost::json::value& result : results) {
    check_speed(result);
    CHECK(number(result, "rounds") == 2);
    CHECK(number(result, "per_second_min") <= number(result, "per_second"));
    CHECK(number(result, "per_second") <= number(result, "per_second_max"));
  }
}

TEST_CASE("bench/recover: a killed server -> nothing is left behind") {
  const boost::json::array results = results_of("recover --server " SETTLED_PROGRAM " --transactions 50");
  REQUIRE(results.size() == 1);
  CHECK(number(results[0], "transactions") == 50);
  CHECK(number(results[0], "left_behind") == 0);
  CHECK(number(results[0], "per_second") > 0);
}

TEST_CASE("bench/compare: beside another -> every question is answered by each, and there is a page of plots") {
  // settled reads the environment that DTM reads, so it can stand in for it.
  const std::string page =
      (std::filesystem::temp_directory_path() / ("settle-report-" + std::to_string(::getpid()) + ".html")).string();
  const Outcome outcome = run("compare --server " SETTLED_PROGRAM " --store rocksdb memory --dtm " SETTLED_PROGRAM
                              " --dtm-store memory --clients 2 4 --seconds 0.3 --stuck 20 --allow-volatile --json"
                              " --report " +
                              page + " 2>/dev/null");
  CAPTURE(outcome.output);
  REQUIRE(outcome.status == 0);
  const boost::json::value parsed = boost::json::parse(outcome.output);
  CHECK_FALSE(parsed.at("machine").as_string().empty());
  const boost::json::array& sections = parsed.at("sections").as_array();
  REQUIRE(sections.size() == 5);
  const char* const names[] = {"http_closed_loop_2", "http_closed_loop_4", "grpc_closed_loop", "http_open_loop_memory",
                               "recovery"};
  // An open loop is for a pair, and nothing in memory is there after a kill.
  const std::size_t subjects[] = {3, 3, 3, 2, 1};
  for (std::size_t i = 0; i < sections.size(); ++i) {
    CHECK(sections[i].at("name") == names[i]);
    CHECK(sections[i].at("subjects").as_array().size() == subjects[i]);
    REQUIRE(sections[i].at("results").as_array().size() == subjects[i]);
    CHECK(number(sections[i].at("results").at(0), "per_second") > 0);
  }
  CHECK(sections[3].at("subjects").at(0) == "settled, memory");
  CHECK(sections[3].at("subjects").at(1) == "DTM, memory");
  CHECK(number(sections[3].at("results").at(0), "rate") >= 1);
  std::ifstream file(page);
  const std::string html{std::istreambuf_iterator<char>(file), {}};
  CHECK(html.find("DTM, memory") != std::string::npos);
  CHECK(html.find("</html>") != std::string::npos);
  std::filesystem::remove(page);
}

TEST_CASE("bench/compare: nobody beside us -> one open loop for all stores") {
  const Outcome outcome = run("compare --server " SETTLED_PROGRAM
                              " --store rocksdb memory --dtm none --clients 2"
                              " --seconds 0.3 --stuck 0 --allow-volatile --json 2>/dev/null");
  CAPTURE(outcome.output);
  REQUIRE(outcome.status == 0);
  const boost::json::value parsed = boost::json::parse(outcome.output);
  const boost::json::array& sections = parsed.at("sections").as_array();
  REQUIRE(sections.size() == 3);
  CHECK(sections[2].at("name") == "http_open_loop");
  const boost::json::array& results = sections[2].at("results").as_array();
  REQUIRE(results.size() == 2);
  CHECK(number(results[0], "rate") >= 1);
  CHECK(number(results[0], "rate") == number(results[1], "rate"));
}

TEST_CASE("bench/http: two servers on one database -> what one did the other one shows") {
  const boost::json::array results = results_of("http --server " SETTLED_PROGRAM
                                                " --store mysql --servers 2 --clients 4 --seconds 0.5"
                                                " --warm-up-seconds 0.1 --allow-volatile");
  REQUIRE(results.size() == 1);
  check_speed(results[0]);
  CHECK(number(results[0], "servers") == 2);
  CHECK(number(results[0], "store_cpu_us") > 0);
  CHECK(number(results[0], "repeated_calls") == 0);
}

TEST_CASE("bench/recover: a killed server on a database -> nothing is left behind") {
  const boost::json::array results = results_of("recover --server " SETTLED_PROGRAM " --store mysql --transactions 50");
  REQUIRE(results.size() == 1);
  CHECK(number(results[0], "left_behind") == 0);
}

TEST_CASE("bench/command line: what is wrong -> status 2 and nothing measured") {
  for (const char* arguments : {"",
                                "nothing",
                                "store --store tape",
                                "store --group 0",
                                "store --group 1025",
                                "store --seconds 0",
                                "engine --store tape",
                                "engine --in-flight 0",
                                "engine --shards 0",
                                "engine --seconds much",
                                "engine stray",
                                "http",
                                "http --url ftp://x",
                                "http --url http://127.0.0.1:1 --steps 65",
                                "http --url http://127.0.0.1:1 --mode xa",
                                "http --server x --url http://127.0.0.1:1",
                                "http --url http://127.0.0.1:1 --dtm x",
                                "http --server x --dtm x --dtm-store=",
                                "http --url http://127.0.0.1:1 --rounds 2",
                                "http --server x --rounds 0",
                                "http --server x --servers 0",
                                "http --server x --rate -1",
                                "http --url http://127.0.0.1:1 --unfinished 1",
                                "http --server x --dtm x --unfinished 1",
                                "http --url http://127.0.0.1:1 --servers 2",
                                "http --server x --update-branch-sync 2",
                                "http --server x --dtm x --dtm-store mysql",
                                "grpc",
                                "grpc --url http://127.0.0.1:1 --channels 0",
                                "grpc --url http://127.0.0.1:1 --clients 0",
                                "compare",
                                "compare --server x --clients 0",
                                "compare --server x --rounds 0",
                                "compare --server x --update-branch-sync 2",
                                "recover",
                                "recover --server x --transactions 0"}) {
    CAPTURE(arguments);
    const Outcome outcome = run(std::string(arguments) + " 2>&1");
    CHECK(outcome.status == 2);
    CHECK_FALSE(outcome.output.empty());
  }
  CHECK(run("--help").status == 0);
  CHECK(run("http --help").status == 0);
  CHECK(run("grpc --help").output.find("--grpc-port") != std::string::npos);
}

TEST_CASE("bench/http, grpc: no server there, or one that does not start -> status 1 and the reason") {
  const Outcome refused = run("http --url http://127.0.0.1:1 --seconds 1 2>&1");
  CHECK(refused.status == 1);
  CHECK(refused.output.find("cannot connect to 127.0.0.1:1") != std::string::npos);
  const Outcome silent = run("grpc --url http://127.0.0.1:1 --grpc-port 1 --seconds 1 2>&1");
  CHECK(silent.status == 1);
  CHECK(silent.output.find("cannot connect to 127.0.0.1:1 over gRPC") != std::string::npos);
  const Outcome missing = run("grpc --server " SETTLED_PROGRAM " --dtm ./no-such-dtm 2>&1");
  CHECK(missing.status == 1);
  CHECK(missing.output.find("no such program: ./no-such-dtm") != std::string::npos);
  const Outcome alone = run("http --server " SETTLED_PROGRAM " --servers 2 2>&1");
  CHECK(alone.status == 1);
  CHECK(alone.output.find("only on mysql may there be more than one server") != std::string::npos);
  const Outcome ended = run("http --server /bin/false --seconds 1 2>&1");
  CHECK(ended.status == 1);
  CHECK(ended.output.find("ended before it was ready") != std::string::npos);
}
