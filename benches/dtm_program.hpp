// DTM itself, to be measured beside settled.
#pragma once

#include <filesystem>

#include "settle/result.hpp"

namespace settle::bench {

struct DtmProgram {
  std::filesystem::path program;
  std::filesystem::path mysql_tables;  // the statements that make its tables
};

// Builds it in `folder` from its Go module, as benches/dtm (`source`) names it. An Error that tells what to do where Go
// is missing, or the module cannot be had.
Result<DtmProgram> build_dtm(const std::filesystem::path& source, const std::filesystem::path& folder);

}  // namespace settle::bench
