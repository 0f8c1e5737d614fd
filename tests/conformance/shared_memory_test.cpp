#include "settle/storage/memory.hpp"
#include "tests/conformance/store_suite.hpp"

namespace settle {
namespace {

class SharedMemoryBed final : public StoreBed {
 public:
  Store& store() override { return *store_; }
  bool reopen() override { return false; }

 private:
  std::unique_ptr<Store> store_ = make_shared_memory_store();
};

}  // namespace

std::unique_ptr<StoreBed> make_store_bed() { return std::make_unique<SharedMemoryBed>(); }

}  // namespace settle
