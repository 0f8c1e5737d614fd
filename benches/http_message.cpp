#include "benches/http_message.hpp"

#include <charconv>

namespace settle::bench {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

// `wanted` must be in lower case.
bool same_name(std::string_view name, std::string_view wanted) {
  if (name.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != wanted[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool parse_number(std::string_view text, std::size_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

HttpFound find_http_message(std::string_view bytes, HttpMessage& message) {
  constexpr std::size_t kHeaderBytesMax = 64 << 10;
  const std::size_t header_end = bytes.find("\r\n\r\n");
  if (header_end == std::string_view::npos) {
    return bytes.size() > kHeaderBytesMax ? HttpFound::malformed : HttpFound::partial;
  }
  std::size_t line_end = bytes.find("\r\n");
  message.first_line = bytes.substr(0, line_end);
  message.close_after = false;
  std::size_t body_bytes = 0;
  while (line_end < header_end) {
    const std::size_t line_begin = line_end + 2;
    line_end = bytes.find("\r\n", line_begin);
    const std::string_view line = bytes.substr(line_begin, line_end - line_begin);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return HttpFound::malformed;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_name(name, "content-length")) {
      if (!parse_number(value, body_bytes)) return HttpFound::malformed;
    } else if (same_name(name, "transfer-encoding")) {
      return HttpFound::malformed;
    } else if (same_name(name, "connection")) {
      message.close_after = same_name(value, "close");
    }
  }
  const std::size_t body_begin = header_end + 4;
  if (bytes.size() - body_begin < body_bytes) return HttpFound::partial;
  message.body = bytes.substr(body_begin, body_bytes);
  message.size = body_begin + body_bytes;
  return HttpFound::whole;
}

int http_status(std::string_view first_line) {
  std::size_t status = 0;
  if (!first_line.starts_with("HTTP/1.") || first_line.size() < 12) return 0;
  return parse_number(first_line.substr(9, 3), status) ? static_cast<int>(status) : 0;
}

std::optional<CalledBranch> called_branch(std::string_view first_line) {
  const std::size_t query_begin = first_line.find('?');
  if (query_begin == std::string_view::npos) return std::nullopt;
  std::string_view query = first_line.substr(query_begin + 1);
  query = query.substr(0, query.find(' '));
  CalledBranch call;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : pair.size());
    if (pair.starts_with("gid=")) {
      call.gid = pair.substr(4);
    } else if (pair.starts_with("branch_id=")) {
      call.branch_id = pair.substr(10);
    } else if (pair.starts_with("op=")) {
      call.operation = pair.substr(3);
    }
  }
  if (call.gid.empty() || call.branch_id.empty() || call.operation.empty()) return std::nullopt;
  return call;
}

}  // namespace settle::bench
