#include "server/logger.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace settle::server {
namespace {

constexpr std::size_t kQueueLines = 1'024;
constexpr std::size_t kQueueLinesDebug = 8'192;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

spdlog::sink_ptr make_sink(const std::string& output) {
  if (output == "stderr") return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (output == "stdout") return std::make_shared<spdlog::sinks::stdout_sink_mt>();
  return std::make_shared<spdlog::sinks::basic_file_sink_mt>(output);
}

class SpdlogLogger final : public Logger {
 public:
  SpdlogLogger(LogLevel level, const std::vector<spdlog::sink_ptr>& sinks)
      : pool_(std::make_shared<spdlog::details::thread_pool>(level == LogLevel::debug ? kQueueLinesDebug : kQueueLines,
                                                             1)),
        logger_(std::make_shared<spdlog::async_logger>("settled", sinks.begin(), sinks.end(), pool_,
                                                       spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(to_spdlog(level));
    logger_->set_pattern("time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    logger_->flush_on(spdlog::level::debug);
  }

  ~SpdlogLogger() override {
    const std::size_t dropped = pool_->overrun_counter();
    if (dropped > 0) write(LogLevel::warn, "", std::to_string(dropped) + " log lines were dropped");
  }

  void write(LogLevel level, std::string_view gid, std::string_view message) override {
    const spdlog::level::level_enum severity = to_spdlog(level);
    if (!logger_->should_log(severity)) return;
    logger_->log(severity, spdlog::string_view_t(log_text(gid, message)));
  }

 private:
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

void append_value(std::string& to, std::string_view value, bool always_quoted) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '=' && c != 0x7F; };
  if (!always_quoted && std::all_of(value.begin(), value.end(), is_plain)) {
    to += value;
    return;
  }
  to += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned>(byte));
      to += code.data();
    } else {
      to += c;
    }
  }
  to += '"';
}

}  // namespace

Result<std::unique_ptr<Logger>> Logger::open(LogLevel level, const std::vector<std::string>& outputs) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    for (const std::string& output : outputs) sinks.push_back(make_sink(output));
    return std::unique_ptr<Logger>(std::make_unique<SpdlogLogger>(level, sinks));
  } catch (const spdlog::spdlog_ex& error) {
    return Error{Code::internal, std::string("Log.Outputs: ") + error.what()};
  }
}

std::string log_text(std::string_view gid, std::string_view message) {
  std::string text;
  if (!gid.empty()) {
    text += "gid=";
    append_value(text, gid, false);
    text += ' ';
  }
  text += "msg=";
  append_value(text, message, true);
  return text;
}

}  // namespace settle::server
