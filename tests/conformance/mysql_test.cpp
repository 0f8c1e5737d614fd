#include "settle/storage/mysql.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "tests/conformance/store_suite.hpp"
#include "tests/support/mariadb_server.hpp"

namespace settle {
namespace {

class MysqlBed final : public StoreBed {
 public:
  MysqlBed() {
    const auto reset = reset_mysql_store(options_);
    const std::string why = reset ? "" : reset.error().message;
    REQUIRE_MESSAGE(reset, why);
    open();
  }
  Store& store() override { return *store_; }
  bool reopen() override {
    store_.reset();
    open();
    return true;
  }
  bool holds_any_bytes() const override { return false; }
  bool remembers_purged() const override { return false; }

 private:
  void open() {
    auto opened = open_mysql_store(options_, {});
    const std::string why = opened ? "" : opened.error().message;
    REQUIRE_MESSAGE(opened, why);
    store_ = std::move(opened.value());
  }

  const MysqlOptions options_ = shared_mariadb().options("conformance");
  std::unique_ptr<Store> store_;
};

}  // namespace

std::unique_ptr<StoreBed> make_store_bed() { return std::make_unique<MysqlBed>(); }

}  // namespace settle
