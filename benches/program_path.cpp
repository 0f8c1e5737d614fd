#include "benches/program_path.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace settle::bench {

Result<std::filesystem::path> program_path(const std::string& name, const std::string& package,
                                           const std::string& otherwise) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes its environment
  const char* const folders = std::getenv("PATH");
  std::istringstream list(std::string(folders != nullptr ? folders : "") + ":/usr/sbin");
  for (std::string folder; std::getline(list, folder, ':');) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    if (::access(path.c_str(), X_OK) == 0) return std::filesystem::absolute(path);
  }
  return Error{Code::unavailable,
               "there is no " + name + " in PATH: install it (" + package + ") or leave out " + otherwise};
}

}  // namespace settle::bench
