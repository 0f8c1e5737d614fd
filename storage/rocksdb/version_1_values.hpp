// Values as version 1 wrote them, byte by byte: they are read for ever.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace settle {

inline std::string bytes_of(std::string_view digits) {
  std::string bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

// Of the gid "old", with the id 7.
inline std::string version_1_definition() {
  return bytes_of(
      "01010e01010780a0abfef9620204060801046e616d650576616c7565027b7d11687474703a2f2f686f73742f7175657279020370617900"
      "040230310210687474703a2f2f686f73742f756e646f00023031010e687474703a2f2f686f73742f646f00023032020001023032010f68"
      "7474703a2f2f686f73742f646f3201010101003aa8c9f1");
}

// Of the unfinished 7.
inline std::string version_1_state() {
  return bytes_of(
      "0103036f6c640180a0abfef96204033f0a0c0e1003a09c010762656361757365096e6f20616e7377657204011e02060117027175bd0e");
}

// Of the gid "gone".
inline std::string version_1_purged() { return bytes_of("01020580a0abfef962d22c820e"); }

// Of transaction 7, from row 32 on.
inline std::string version_1_run() { return bytes_of("0104021e0380a0abfef962017e2c715b"); }

// Of the next id, 300.
inline std::string version_1_number() { return bytes_of("0105d804e7defd86"); }

}  // namespace settle
