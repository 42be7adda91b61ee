#include "collectors/table.h"

#include <array>

#include "collectors/container/config.h"
#include "collectors/database/memcached/config.h"
#include "collectors/database/mysql/config.h"
#include "collectors/database/postgresql/config.h"
#include "collectors/database/redis/config.h"
#include "collectors/database/sqlite/config.h"
#include "collectors/exec/config.h"
#include "collectors/heartbeat/config.h"
#include "collectors/host/host.h"
#include "collectors/json/config.h"
#include "collectors/log/config.h"
#include "collectors/otlp/otlp.h"
#include "collectors/probe/config.h"
#include "collectors/process/config.h"
#include "collectors/push/push.h"
#include "collectors/pushgateway/pushgateway.h"
#include "collectors/remote_write/remote_write.h"
#include "collectors/scrape/config.h"
#include "collectors/self/self.h"
#include "collectors/statsd/config.h"

namespace sidewatch {
namespace {

constexpr std::array kKinds{
    CollectorKind{"container", configure_container, container_metric_groups},
    CollectorKind{"exec", configure_exec, exec_metric_groups},
    CollectorKind{"heartbeat", configure_heartbeat, heartbeat_metric_groups},
    CollectorKind{"host", configure_host, host_metric_groups},
    CollectorKind{"json", configure_json, json_metric_groups},
    CollectorKind{"log", configure_log, log_metric_groups},
    CollectorKind{"memcached", configure_memcached, memcached_metric_groups},
    CollectorKind{"mysql", configure_mysql, mysql_metric_groups},
    CollectorKind{"otlp", configure_otlp, otlp_metric_groups},
    CollectorKind{"postgresql", configure_postgresql, postgresql_metric_groups},
    CollectorKind{"probe", configure_probe, probe_metric_groups},
    CollectorKind{"process", configure_process, process_metric_groups},
    CollectorKind{"push", configure_push, push_metric_groups},
    CollectorKind{"pushgateway", configure_pushgateway, pushgateway_metric_groups},
    CollectorKind{"redis", configure_redis, redis_metric_groups},
    CollectorKind{"remote_write", configure_remote_write, remote_write_metric_groups},
    CollectorKind{"scrape", configure_scrape, scrape_metric_groups},
    CollectorKind{"self", configure_self, self_metric_groups},
    CollectorKind{"sqlite", configure_sqlite, sqlite_metric_groups},
    CollectorKind{"statsd", configure_statsd, statsd_metric_groups},
};

}  // namespace

std::span<const CollectorKind> collector_kinds() { return kKinds; }

}  // namespace sidewatch
