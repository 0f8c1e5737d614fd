// A real etcd of a test's own: one member on free ports of loopback, with its data in a temporary folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/conformance/temporary_folder.hpp"

namespace settle::server {

// Runs a command of the shell, and hands over what it prints. `worked` is told whether its status was 0.
std::string run_command(const std::string& command, bool* worked = nullptr);

// The programs that these tests need and this machine lacks.
std::vector<std::string> missing_programs();

class EtcdProcess {
 public:
  // `tls`: a certificate for 127.0.0.1 is made, the server shows it, and asks clients for it, too.
  explicit EtcdProcess(bool tls = false);
  // Ends the process, and removes the data.
  ~EtcdProcess();
  EtcdProcess(const EtcdProcess&) = delete;
  EtcdProcess& operator=(const EtcdProcess&) = delete;

  std::string host() const { return "127.0.0.1:" + std::to_string(client_port_); }
  // Files of the certificate and its key, where there is TLS.
  std::string certificate() const { return folder_.path() + "/certificate.pem"; }
  std::string key() const { return folder_.path() + "/key.pem"; }

  // Starts it on the same ports, and waits until it answers.
  void start();
  void kill();    // SIGKILL
  void pause();   // SIGSTOP
  void resume();  // SIGCONT
  // Of an etcd that was killed: the next start() begins with nothing.
  void lose_data();

  // etcdctl with these arguments; what it prints, without the line's end.
  std::string control(const std::string& arguments) const;
  // What etcd says under that name in its metrics.
  std::string metric(const std::string& name) const;

 private:
  std::string url(std::uint16_t port) const;
  std::string control_command() const;
  bool answers() const;

  const TemporaryFolder folder_;
  const bool tls_;
  std::uint16_t client_port_ = 0;
  std::uint16_t peer_port_ = 0;
  pid_t process_ = 0;  // 0: none
};

}  // namespace settle::server
