// The machine crashes at each write, sync and rename of a scenario, from the making of the folder on. What was
// acknowledged must be there, everything else whole or not at all, and the store must go on.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "settle/storage/rocksdb.hpp"
#include "storage/rocksdb/faulty_file_system.hpp"
#include "storage/rocksdb/scenario.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {
namespace {

std::unique_ptr<RocksdbStore> must_open(const RocksdbOptions& options) {
  auto opened = open_rocksdb_store(options);
  const std::string why = opened ? "" : opened.error().message;
  REQUIRE_MESSAGE(opened, why);
  return std::move(opened.value());
}

// Crashes at the n-th change, and again at the m-th of the recovery where m is not 0. False: it came to the end before.
bool crash_at(std::int64_t n, std::int64_t m, FaultyFileSystem::Loss loss) {
  const TemporaryFolder folder;
  const auto disk = std::make_shared<FaultyFileSystem>();
  RocksdbOptions options;
  options.path = folder.path() + "/store";
  options.write_buffer_bytes = 64 << 10;  // flushes are part of the scenario
  options.file_system = disk;

  Scenario scenario;
  disk->fail_from(n, FaultyFileSystem::Fault::error);
  if (auto opened = open_rocksdb_store(options)) scenario.run(*opened.value());
  const bool crashed = disk->has_failed();
  disk->heal();
  disk->lose(loss);
  if (m != 0) {
    disk->fail_from(m, FaultyFileSystem::Fault::error);
    auto opened = open_rocksdb_store(options);
    if (opened) opened.value().reset();
    disk->heal();
    disk->lose(loss);
  }
  {
    const auto store = must_open(options);
    scenario.check(*store);
  }
  // What was once shown is never taken back.
  disk->lose(FaultyFileSystem::Loss::all_unsynced);
  const auto store = must_open(options);
  scenario.check(*store);
  CHECK(scenario.run(*store));
  scenario.check(*store);
  return crashed;
}

// At every `stride`-th change.
void crash_everywhere(FaultyFileSystem::Loss loss, std::int64_t stride) {
  std::int64_t n = 1;
  while (crash_at(n, n % 3 == 0 ? n % 11 + 1 : 0, loss)) n += stride;
  MESSAGE("crashed at changes up to " << n - stride);
  CHECK(n > 40);
}

TEST_CASE("rocksdb/crash: at each change, all unsynced lost -> what was acknowledged is there") {
  crash_everywhere(FaultyFileSystem::Loss::all_unsynced, 1);
}

TEST_CASE("rocksdb/crash: at every third change, half of the unsynced lost -> what was acknowledged is there") {
  crash_everywhere(FaultyFileSystem::Loss::half_of_unsynced, 3);
}

TEST_CASE("rocksdb/crash: at every third change, of the process only -> what was acknowledged is there") {
  crash_everywhere(FaultyFileSystem::Loss::nothing, 3);
}

}  // namespace
}  // namespace settle
