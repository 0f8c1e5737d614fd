#include <utility>

#include "server/registry/drivers.hpp"

namespace settle::server {
namespace {

class DefaultRegistry final : public Registry {
 public:
  void start() override {}
  void deregister(std::int64_t, Task done) override { done(); }
  std::shared_ptr<Resolver> resolver() override { return resolver_; }
  RegistryStatistics statistics() const override { return {}; }

 private:
  const std::shared_ptr<Resolver> resolver_ = make_plain_resolver();
};

}  // namespace

Result<std::unique_ptr<Registry>> open_default_registry(RegistryOptions options, Log log) {
  if (!options.target.empty()) {
    log(LogLevel::warn, "",
        "MicroService.Target has no effect with MicroService.Driver default: nothing is registered");
  }
  return std::unique_ptr<Registry>(std::make_unique<DefaultRegistry>());
}

}  // namespace settle::server
