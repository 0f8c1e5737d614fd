// XA (protocol.md §5.3): the branches are prepared in their own databases; then each is told to commit or to roll back,
// in the order of registration. The invariants stand in two_phase.hpp.
#include "engine/core/two_phase.hpp"

namespace settle::core {
namespace {

class Xa final : public TwoPhase {
 protected:
  std::uint32_t registration_at(std::uint32_t place, std::uint32_t) const override { return place; }
};

}  // namespace

const Mode& xa_mode() {
  static const Xa kMode;
  return kMode;
}

}  // namespace settle::core
