// Stands between a client and a server on loopback, and cuts a connection when the client says a certain text.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace settle {

class CuttingProxy {
 public:
  enum class Cut : std::uint8_t {
    before_it,      // the server never sees it, and loses the connection, too
    before_answer,  // the server has answered, and the answer is lost
    clients_end,    // the server never sees it, and keeps the connection
  };

  explicit CuttingProxy(std::uint16_t server_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::uint16_t port() const { return port_; }

  // The next time that any client says it; once.
  void arm(const std::string& text, Cut cut);
  bool has_cut() const;

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    bool drops_answer = false;
  };

  void run();
  void accept_one();
  // False: it has ended.
  bool from_client(Pair& pair);
  bool from_server(Pair& pair);

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Pair> pairs_;
  mutable std::mutex mutex_;
  std::string text_;  // empty: not armed
  Cut cut_ = Cut::before_it;
  bool has_cut_ = false;
  std::thread thread_;
};

}  // namespace settle
