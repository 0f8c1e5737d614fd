// What of a write-ahead log is on the disk before it is written, and what is left of that.
#include "storage/rocksdb/zeroed_logs.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/rocksdb/test_disk.hpp"
#include "tests/conformance/store_values.hpp"

namespace settle {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 4096;

std::string content_of(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Logs {
  std::unique_ptr<::rocksdb::FSWritableFile> open(const std::string& file) {
    std::unique_ptr<::rocksdb::FSWritableFile> opened;
    REQUIRE(logs.NewWritableFile(in_folder(file), {}, &opened, nullptr).ok());
    return opened;
  }
  std::string in_folder(const std::string& file) const { return folder.path() + "/" + file; }

  TemporaryFolder folder;
  ZeroedLogs logs{::rocksdb::FileSystem::Default(), kPieceBytes};
};

void append(::rocksdb::FSWritableFile& file, const std::string& bytes) {
  REQUIRE(file.Append(bytes, ::rocksdb::IOOptions(), nullptr).ok());
}

// The newest log in the store's folder.
std::string log_of(const RocksdbOptions& options) {
  std::string newest;
  for (const auto& entry : fs::directory_iterator(options.path)) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
  }
  REQUIRE_FALSE(newest.empty());
  return newest;
}

TEST_CASE_FIXTURE(Logs, "rocksdb/zeroed: a log is written -> it grows a piece at a time, and ends with zeros") {
  const auto log = open("000001.log");
  append(*log, "one");
  const std::string name = in_folder("000001.log");
  CHECK(content_of(name) == "one" + std::string(kPieceBytes, '\0'));
  append(*log, std::string(kPieceBytes - 1, 'x'));
  append(*log, "y");
  CHECK(fs::file_size(name) == 3 + kPieceBytes);
  append(*log, "z");
  CHECK(fs::file_size(name) == 4 + 2 * kPieceBytes);
  append(*log, std::string(3 * kPieceBytes, 'a'));
  CHECK(fs::file_size(name) == 4 + 5 * kPieceBytes);
  CHECK(content_of(name).starts_with("one" + std::string(kPieceBytes - 1, 'x') + "yzaaa"));

  REQUIRE(log->Close(::rocksdb::IOOptions(), nullptr).ok());
  CHECK(content_of(name) == "one" + std::string(kPieceBytes - 1, 'x') + "yz" + std::string(3 * kPieceBytes, 'a'));
}

TEST_CASE_FIXTURE(Logs, "rocksdb/zeroed: destroyed without being closed -> it is cut, too") {
  open("000001.log").reset();
  {
    const auto log = open("000002.log");
    append(*log, "two");
  }
  CHECK(fs::file_size(in_folder("000001.log")) == 0);
  CHECK(content_of(in_folder("000002.log")) == "two");
}

TEST_CASE_FIXTURE(Logs, "rocksdb/zeroed: any other file -> as it is written") {
  const auto table = open("000001.sst");
  append(*table, "table");
  REQUIRE(table->Flush(::rocksdb::IOOptions(), nullptr).ok());
  CHECK(content_of(in_folder("000001.sst")) == "table");
}

TEST_CASE("rocksdb/zeroed: the store writes -> its log keeps its size, and is whole where it ends in zeros") {
  const TemporaryFolder folder;
  const TemporaryFolder crashed;
  RocksdbOptions copy = in(crashed);
  {
    const auto store = must_open(in(folder));
    apply_one(*store, creation(test_definition("first")));
    const std::string log = log_of(in(folder));
    const auto size = fs::file_size(log);
    for (int i = 0; i < 50; ++i) {
      apply_one(*store, creation(test_definition("gid" + std::to_string(i))));
      CHECK(fs::file_size(log) == size);
    }
    CHECK(content_of(log).ends_with(std::string(1024, '\0')));
    fs::copy(in(folder).path, copy.path, fs::copy_options::recursive);
    CHECK(fs::file_size(log_of(copy)) == size);
  }
  const auto store = must_open(copy);
  CHECK(store->load("first").value());
  for (int i = 0; i < 50; ++i) CHECK(store->load("gid" + std::to_string(i)).value());
}

}  // namespace
}  // namespace settle
