#include "benches/dtm_program.hpp"

#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "benches/child_process.hpp"
#include "benches/program_path.hpp"

namespace settle::bench {
namespace {

constexpr std::int64_t kBuildTimeoutMs = 900'000;
constexpr const char* kModule = "github.com/dtm-labs/dtm";

Result<Done> run_go(const std::filesystem::path& go, const std::vector<std::string>& arguments,
                    const std::filesystem::path& folder, const std::string& name) {
  const Result<std::unique_ptr<ChildProcess>> process =
      ChildProcess::start({.program = go, .arguments = arguments, .folder = folder, .name = name});
  if (!process) return process.error();
  return process.value()->finish(kBuildTimeoutMs);
}

}  // namespace

Result<DtmProgram> build_dtm(const std::filesystem::path& source, const std::filesystem::path& folder) {
  const Result<std::filesystem::path> go = program_path("go", "golang-go", "give DTM's program by --dtm");
  if (!go) return go.error();
  for (const char* const file : {"go.mod", "go.sum", "main.go"}) {
    std::error_code failure;
    std::filesystem::copy_file(source / file, folder / file, failure);
    if (failure) {
      return Error{Code::invalid, (source / file).string() + ": " + failure.message() + "; see --dtm-source"};
    }
  }
  const DtmProgram built{.program = folder / "dtm"};
  Result<Done> done = run_go(go.value(), {"build", "-mod=mod", "-o", built.program.string(), "."}, folder, "go-build");
  if (!done) return done.error();
  done = run_go(go.value(), {"list", "-mod=mod", "-m", "-f", "{{.Dir}}", kModule}, folder, "go-list");
  if (!done) return done.error();
  std::string module_folder;
  std::ifstream answer(folder / "go-list.log");
  std::getline(answer, module_folder);
  return DtmProgram{built.program, std::filesystem::path(module_folder) / "sqls" / "dtmsvr.storage.mysql.sql"};
}

}  // namespace settle::bench
