package shop

import (
	"flag"

	"github.com/zeromicro/go-zero/core/conf"
	"github.com/zeromicro/go-zero/core/service"
	"github.com/zeromicro/go-zero/rest"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
)

// Config is the file of a service: its two front doors, which lead to the same work, and its database.
type Config struct {
	Rpc      zrpc.RpcServerConf
	Http     rest.RestConf
	Database string
}

// LoadConfig reads the file that -f names. ${NAME} in it stands for the environment variable.
func LoadConfig(config any) {
	file := flag.String("f", "", "the configuration")
	flag.Parse()
	conf.MustLoad(*file, config, conf.UseEnv())
}

// Serve runs both front doors until the process is told to end. The gRPC one registers itself in etcd.
func Serve(config Config, register func(*grpc.Server), routes []rest.Route) {
	http := rest.MustNewServer(config.Http)
	http.AddRoutes(routes)

	group := service.NewServiceGroup()
	defer group.Stop()
	group.Add(zrpc.MustNewServer(config.Rpc, register))
	group.Add(http)
	group.Start()
}
