// A relay in front of a participant, for tests: it cuts connections when it is told to.
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace settle::rpc {

class CuttingProxy {
 public:
  explicit CuttingProxy(int participant_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // So many connections are cut, each as soon as its client sends something.
  void cut_at_next_byte(int connections) { cuts_ = connections; }
  int connections() const { return connections_; }  // so far

 private:
  void serve();
  void relay(int client);

  const int participant_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> cuts_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;  // one connection at a time
};

}  // namespace settle::rpc
