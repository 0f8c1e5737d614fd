package grpcbank

import (
	"net/url"
	"strings"

	_ "github.com/dtm-labs/dtmdriver-gozero"

	"github.com/dtm-labs/dtmdriver"
	"github.com/zeromicro/go-zero/core/discov"
)

// useEtcd has the SDK understand urls of etcd, and registers the bank as a service made with go-zero registers itself.
func useEtcd() error {
	if err := dtmdriver.Use("dtm-driver-gozero"); err != nil {
		return err
	}
	target, err := url.Parse(Self)
	if err != nil {
		return err
	}
	return discov.NewPublisher(strings.Split(target.Host, ","), strings.TrimPrefix(target.Path, "/"), Address).KeepAlive()
}
