// What processes that work on one store can know of each other.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace settle {

// On a shared store an engine holds what it works on under leases. Where another engine can tell that the process of
// such an engine has ended, it need not wait for them.
struct ProcessPort {
  // Part of what this engine's holds are called: letters, digits, '.' and '-', at most 64. Empty: none is known.
  std::string name;
  // Whether the process of that name, which is not empty, has certainly ended: it neither writes nor calls any more. To
  // say so of one that is only unreachable or stopped lets branches be called by two engines at once. Called once while
  // the engine opens, on a thread that may block.
  std::function<bool(std::string_view name)> is_gone;
};

// Of this process, by which others of the same machine, since it was started, and of the same pid namespace can tell
// whether it has ended; of all others they know nothing. A container that is started again has another namespace. The
// name is empty where there is no /proc.
ProcessPort this_process();

}  // namespace settle
