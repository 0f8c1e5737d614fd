#include "settle/storage/rocksdb.hpp"

#include <doctest/doctest.h>

#include "tests/conformance/store_suite.hpp"
#include "tests/conformance/temporary_folder.hpp"

namespace settle {
namespace {

class RocksdbBed final : public StoreBed {
 public:
  RocksdbBed() { open(); }
  Store& store() override { return *store_; }
  bool reopen() override {
    store_.reset();
    open();
    return true;
  }

 private:
  void open() {
    RocksdbOptions options;
    options.path = folder_.path() + "/store";
    // So small that tables, filters and compactions take part in the longer tests.
    options.write_buffer_bytes = 256 << 10;
    auto opened = open_rocksdb_store(options);
    const std::string why = opened ? "" : opened.error().message;
    REQUIRE_MESSAGE(opened, why);
    store_ = std::move(opened.value());
  }

  TemporaryFolder folder_;
  std::unique_ptr<RocksdbStore> store_;
};

}  // namespace

std::unique_ptr<StoreBed> make_store_bed() { return std::make_unique<RocksdbBed>(); }

}  // namespace settle
