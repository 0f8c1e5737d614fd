// A fuzzer without libFuzzer: runs it on files, so that any compiler's build can replay what was found.
//   fuzz_NAME FILE_OR_FOLDER…
// Ends with 1 where an input failed, each of which is told, and with 2 where there is none.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzzer.hpp"

namespace settle::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const std::vector<std::string>& arguments) {
  std::vector<fs::path> files;
  for (const std::string& argument : arguments) {
    if (!fs::is_directory(argument)) {
      files.emplace_back(argument);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void run_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  check(file.good(), "the file can be read", path.native());
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  run(bytes);
}

// The files from `first` on, in a process of its own: a finding ends that. `reached` is the file that it is at.
int run_in_child(const std::vector<fs::path>& files, std::size_t first, std::size_t* reached) {
  const pid_t child = fork();
  check(child >= 0, "a process can be started");
  if (child == 0) {
    for (std::size_t at = first; at < files.size(); ++at) {
      *reached = at;
      run_file(files[at]);
    }
    *reached = files.size();
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): so that leaks are told
  }
  int status = 0;
  check(waitpid(child, &status, 0) == child, "the process can be waited for");
  return status;
}

int replay(const std::vector<std::string>& arguments) {
  const std::vector<fs::path> files = files_of(arguments);
  if (files.empty()) {
    std::fprintf(stderr, "usage: fuzz_NAME FILE_OR_FOLDER...: there is no file to run\n");
    return 2;
  }
  void* const shared = mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(shared != MAP_FAILED, "a page can be shared");
  auto* const reached = static_cast<std::size_t*>(shared);
  std::size_t failed = 0;
  for (std::size_t next = 0; next < files.size(); next = *reached + 1) {
    *reached = next;
    const int status = run_in_child(files, next, reached);
    if (status == 0) break;
    ++failed;
    const bool at_end = *reached >= files.size();
    std::fprintf(stderr, "FAILED: %s\n", at_end ? "at the end, of all inputs" : files[*reached].c_str());
  }
  std::printf("%zu inputs, %zu failed\n", files.size(), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace settle::fuzz

int main(int count, char** arguments) {
  return settle::fuzz::replay(std::vector<std::string>(arguments + 1, arguments + count));
}
