// A table as one text: an array of views would be pages that every running agent has to relocate when it starts.
#include "agent/init/programs.h"
#include "collectors/proc_file.h"

namespace sidewatch::discovery {
namespace {

// Its name, what it is, what its group is called (as the program when there is nothing), its title for people. The first
// line that fits counts, so php-fpm stands before php.
constexpr std::string_view programs = R"(
sidewatch        agent
postgres         database     postgres     PostgreSQL
postmaster       database     postgres     PostgreSQL
mariadbd         database     mariadb      MariaDB
mysqld           database     mysql        MySQL
redis-server     database     redis        Redis
valkey-server    database     valkey       Valkey
keydb-server     database     keydb        KeyDB
memcached        database     memcached    Memcached
mongod           database     mongodb      MongoDB
mongos           database     mongos       MongoDB's router
pgbouncer        database     pgbouncer    PgBouncer
clickhouse*      database     clickhouse   ClickHouse
etcd             database     etcd         etcd
nginx            server       nginx
apache2          server       apache       Apache
httpd            server       httpd
haproxy          server       haproxy      HAProxy
caddy            server       caddy        Caddy
envoy            server       envoy        Envoy
traefik          server       traefik      Traefik
varnishd         server       varnish      Varnish
lighttpd         server       lighttpd
php-fpm*         server       php-fpm      PHP-FPM
node             interpreter
nodejs           interpreter
python*          interpreter
pypy*            interpreter
uwsgi*           server       uwsgi        uWSGI
java             interpreter
ruby*            interpreter
perl*            interpreter
php*             interpreter
dotnet           interpreter
deno             interpreter
bun              interpreter
beam.smp         interpreter  beam.smp     Erlang
systemd*         system
(sd-pam)         system
init             system
tini             system
dumb-init        system
docker-init      system
catatonit        system
s6-*             system
runsv*           system
supervisord      system
pause            system
sshd*            system
dropbear         system
dbus-*           system
rsyslogd         system
syslog-ng        system
cron*            system
atd              system
agetty           system
dhclient         system
dhcpcd           system
NetworkManager   system
chronyd          system
ntpd             system
avahi-daemon     system
cupsd            system
cups-browsed     system
rpcbind          system
rpc.*            system
exim4            system
master           system       master       Postfix
dnsmasq          system
dockerd          system
docker-proxy     system
containerd*      system
conmon           system
crio             system
kubelet          system
kube-proxy       system
snapd            system
fail2ban*        system
node_exporter    system
prometheus-*     system
)";

ProgramKind kind_of(std::string_view word) {
  if (word == "database") return ProgramKind::database;
  if (word == "server") return ProgramKind::server;
  if (word == "interpreter") return ProgramKind::interpreter;
  return word == "agent" ? ProgramKind::agent : ProgramKind::system;
}

bool fits(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::optional<KnownProgram> known_program(std::string_view name) {
  std::string_view rest = programs;
  for (std::string_view line; next_line(rest, line);) {
    const std::string_view pattern = next_field(line);
    if (pattern.empty() || !fits(pattern, name)) continue;
    const ProgramKind kind = kind_of(next_field(line));
    const std::string_view group = next_field(line);
    return KnownProgram{pattern, kind, group, trim(line)};
  }
  return std::nullopt;
}

std::string_view database_on_port(std::uint16_t port) {
  switch (port) {
    case 3306: return "MySQL or MariaDB";
    case 5432:
    case 5433: return "PostgreSQL";
    case 6379:
    case 6380: return "Redis";
    case 6432: return "PgBouncer";
    case 11211: return "Memcached";
    case 27017: return "MongoDB";
    default: return {};
  }
}

std::string_view database_of_socket(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.starts_with(".s.PGSQL.")) return "PostgreSQL";
  if (!name.ends_with(".sock") && !name.ends_with(".socket")) return {};
  if (path.find("mysql") != std::string_view::npos || path.find("mariadb") != std::string_view::npos) {
    return name.starts_with("mysqlx") ? std::string_view() : "MySQL or MariaDB";
  }
  if (path.find("redis") != std::string_view::npos || path.find("valkey") != std::string_view::npos) return "Redis";
  return path.find("memcached") != std::string_view::npos ? "Memcached" : std::string_view();
}

}  // namespace sidewatch::discovery
