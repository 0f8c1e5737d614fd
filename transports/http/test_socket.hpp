// A blocking client socket for tests, which can behave as badly as a test wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace settle::http {

// Every wait ends after ten seconds, so that a broken test fails instead of hanging.
class TestSocket {
 public:
  TestSocket() = default;
  explicit TestSocket(int descriptor);
  static TestSocket connect_to(std::uint16_t port);  // of 127.0.0.1
  ~TestSocket();
  TestSocket(TestSocket&& other) noexcept;
  TestSocket& operator=(TestSocket&& other) noexcept;

  bool open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  // False where the other side does not take it.
  bool send(std::string_view bytes);
  // What comes next; empty at the end, on an error and after ten seconds.
  std::string receive();
  std::string receive_to_end();
  // Up to the body's end as Content-Length tells it; what is left over stays for the next call.
  std::string receive_message();
  void shut_down_sending();
  // Closes so that the other side gets a reset.
  void reset();
  void close();
  // So that a slow reader is one soon.
  void receive_buffer_bytes(int bytes);

 private:
  int descriptor_ = -1;
  std::string received_;
};

// Listens on a free port of 127.0.0.1.
class TestListener {
 public:
  TestListener();
  ~TestListener();
  TestListener(const TestListener&) = delete;
  TestListener& operator=(const TestListener&) = delete;
  std::uint16_t port() const { return port_; }
  // Waits for a connection; not open where none came within ten seconds or shut_down() was called.
  TestSocket accept();
  // Wakes accept(), from any thread.
  void shut_down();

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace settle::http
