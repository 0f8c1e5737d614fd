// What the columns of the tables can hold, which may be DTM's own or ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "settle/result.hpp"
#include "settle/store.hpp"

namespace settle::mysql {

class Limits {
 public:
  // Of one text or byte column. A text is measured in both.
  struct Column {
    std::size_t characters_max = SIZE_MAX;
    std::size_t bytes_max = SIZE_MAX;
    bool is_text = false;  // holds only what is valid UTF-8
  };

  void set(const std::string& table_and_column, Column column) { columns_[table_and_column] = column; }
  void set_packet_bytes_max(std::int64_t bytes) { packet_bytes_max_ = static_cast<std::size_t>(bytes); }
  std::size_t packet_bytes_max() const { return packet_bytes_max_; }

  // As Store::check.
  Result<Done> check(const Definition& definition) const;
  Result<Done> check(const Registration& registration) const;
  Result<Done> check(const KeyValueChange& change) const;
  Result<Done> check_result(const std::string& workflow_result) const;

 private:
  // Fits in the column, which stands for the field of this name.
  Result<Done> fits(std::string_view table_and_column, std::string_view field, std::string_view value) const;
  // What a row's statement carries fits in half of a packet.
  Result<Done> fits_packet(std::string_view field, std::size_t bytes) const;

  std::map<std::string, Column, std::less<>> columns_;
  std::size_t packet_bytes_max_ = 16 << 20;
};

}  // namespace settle::mysql
