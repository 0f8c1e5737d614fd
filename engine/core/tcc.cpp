// TCC (protocol.md §5.2): the client calls every Try itself; then every confirm or every cancel is called, the branch
// registered last first. The invariants stand in two_phase.hpp.
#include "engine/core/plants.hpp"
#include "engine/core/two_phase.hpp"

namespace settle::core {
namespace {

class Tcc final : public TwoPhase {
 protected:
  std::uint32_t registration_at(std::uint32_t place, std::uint32_t count) const override {
    return planted(Plant::confirm_first_to_last) ? place : count - 1 - place;
  }
};

}  // namespace

const Mode& tcc_mode() {
  static const Tcc kMode;
  return kMode;
}

}  // namespace settle::core
