// Opening: what the folder may be and hold, and what is said where it may not.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "settle/storage/rocksdb.hpp"
#include "storage/rocksdb/test_disk.hpp"
#include "tests/conformance/store_values.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {
namespace {

// Why it cannot be opened.
Error refusal(const RocksdbOptions& options) {
  const auto opened = open_rocksdb_store(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find(options.path) != std::string::npos);
  return opened.error();
}

void write_file(const std::string& name, const std::string& text) { std::ofstream(name) << text; }

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

TEST_CASE("rocksdb/open: a folder that is missing, with those above it -> made") {
  const TemporaryFolder folder;
  RocksdbOptions options;
  options.path = folder.path() + "/a/b/c";
  CHECK(apply_one(*must_open(options), creation(test_definition("gid"))).result == ChangeResult::applied);
  CHECK(is_stored(*must_open(options), "gid"));
}

TEST_CASE("rocksdb/open: the folder of a mounted disk, with what a crash left -> taken as empty") {
  const TemporaryFolder folder;
  RocksdbOptions options = in(folder);
  std::filesystem::create_directories(options.path + "/lost+found");
  write_file(options.path + "/SETTLE.new", "half");
  must_open(options);
}

TEST_CASE("rocksdb/open: a store that is open -> says that it is in use") {
  const TemporaryFolder folder;
  const auto held = must_open(in(folder));
  const Error error = refusal(in(folder));
  CHECK(error.code == Code::unavailable);
  CHECK(says(error, "in use"));
  CHECK(says(error, "choose another folder"));
}

TEST_CASE("rocksdb/open: a store that another process holds -> says that it is in use") {
  const TemporaryFolder folder;
  must_open(in(folder));
  int ready[2];
  int done[2];
  REQUIRE(pipe(ready) == 0);
  REQUIRE(pipe(done) == 0);
  const std::string lock = in(folder).path + "/SETTLE.lock";
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // Only calls that are safe after a fork of a process with threads.
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    const int file = open(lock.c_str(), O_RDWR | O_CLOEXEC);
    const char locked = file >= 0 && fcntl(file, F_SETLK, &whole) == 0 ? 'y' : 'n';
    char end = 0;
    close(done[1]);
    if (write(ready[1], &locked, 1) == 1 && read(done[0], &end, 1) < 0) _exit(1);
    _exit(0);
  }
  char locked = 'n';
  CHECK(read(ready[0], &locked, 1) == 1);
  CHECK(locked == 'y');
  CHECK(refusal(in(folder)).code == Code::unavailable);
  for (int end : {done[0], done[1], ready[0], ready[1]}) close(end);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  must_open(in(folder));
}

TEST_CASE("rocksdb/open: a file -> refused, and stays") {
  const TemporaryFolder folder;
  write_file(in(folder).path, "mine");
  CHECK(says(refusal(in(folder)), "is a file"));
  CHECK(std::filesystem::file_size(in(folder).path) == 4);
}

TEST_CASE("rocksdb/open: a place where nothing can be made -> says so") {
  const TemporaryFolder folder;
  write_file(folder.path() + "/file", "");
  RocksdbOptions options;
  options.path = folder.path() + "/file/store";
  CHECK_FALSE(open_rocksdb_store(options));
  options.path = "/proc/settle-store";
  CHECK(says(refusal(options), "cannot be"));
}

TEST_CASE("rocksdb/open: a folder with other files -> refused, names one, leaves nothing behind") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(in(folder).path);
  write_file(in(folder).path + "/thesis.txt", "mine");
  CHECK(says(refusal(in(folder)), "thesis.txt"));
  CHECK(names_in(in(folder).path) == std::vector<std::string>{"thesis.txt"});
}

TEST_CASE("rocksdb/open: another program's RocksDB -> refused") {
  const TemporaryFolder folder;
  ::rocksdb::Options create;
  create.create_if_missing = true;
  ::rocksdb::DB* database = nullptr;
  REQUIRE(::rocksdb::DB::Open(create, in(folder).path, &database).ok());
  delete database;
  CHECK(says(refusal(in(folder)), "not settle's"));
}

TEST_CASE("rocksdb/open: a newer format -> refused, with the way out") {
  const TemporaryFolder folder;
  must_open(in(folder));
  write_file(in(folder).path + "/SETTLE", "settle store, format 2\n");
  const Error error = refusal(in(folder));
  CHECK(says(error, "format 2"));
  CHECK(says(error, "newer settled"));
}

TEST_CASE("rocksdb/open: a SETTLE file of something else -> refused") {
  const TemporaryFolder folder;
  must_open(in(folder));
  for (const char* text : {"", "hello", "settle store, format ", "settle store, format x", "settle store, format -1"}) {
    CAPTURE(text);
    write_file(in(folder).path + "/SETTLE", text);
    CHECK(says(refusal(in(folder)), "no store of settle's"));
  }
}

TEST_CASE("rocksdb/open: a damaged database -> says that it is damaged") {
  const TemporaryFolder folder;
  apply_one(*must_open(in(folder)), creation(test_definition("gid")));
  must_open(in(folder));  // moves it from the log into a table
  for (const auto& entry : std::filesystem::directory_iterator(in(folder).path)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("MANIFEST")) write_file(entry.path(), std::string(200, 'x'));
  }
  CHECK(says(refusal(in(folder)), "damaged"));
}

TEST_CASE("rocksdb/reset: a store -> empty, and usable") {
  const TemporaryFolder folder;
  apply_one(*must_open(in(folder)), creation(test_definition("gid")));
  REQUIRE(reset_rocksdb_store(in(folder)));
  const auto store = must_open(in(folder));
  CHECK_FALSE(is_stored(*store, "gid"));
  CHECK(apply_one(*store, creation(test_definition("gid"))).result == ChangeResult::applied);
}

TEST_CASE("rocksdb/reset: begun and cut short -> opening ends it") {
  const TemporaryFolder folder;
  apply_one(*must_open(in(folder)), creation(test_definition("gid")));
  write_file(in(folder).path + "/SETTLE", "settle store, format 1, being emptied\n");
  CHECK_FALSE(is_stored(*must_open(in(folder)), "gid"));
  apply_one(*must_open(in(folder)), creation(test_definition("gid")));
  CHECK(is_stored(*must_open(in(folder)), "gid"));
}

TEST_CASE("rocksdb/reset: what is missing, foreign or open -> refused, untouched") {
  const TemporaryFolder folder;
  CHECK_FALSE(reset_rocksdb_store(in(folder)));
  CHECK_FALSE(std::filesystem::exists(in(folder).path));
  std::filesystem::create_directories(in(folder).path);
  CHECK_FALSE(reset_rocksdb_store(in(folder)));
  write_file(in(folder).path + "/thesis.txt", "mine");
  CHECK_FALSE(reset_rocksdb_store(in(folder)));
  CHECK(std::filesystem::exists(in(folder).path + "/thesis.txt"));
  std::filesystem::remove(in(folder).path + "/thesis.txt");
  const auto store = must_open(in(folder));
  apply_one(*store, creation(test_definition("gid")));
  const auto reset = reset_rocksdb_store(in(folder));
  REQUIRE_FALSE(reset);
  CHECK(says(reset.error(), "in use"));
  CHECK(is_stored(*store, "gid"));
}

}  // namespace
}  // namespace settle
