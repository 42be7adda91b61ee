"""What services say about the requests that they answer, under the names that are usual, as the rules of the set red know
them; and what Node.js says about itself. Their job is the one of the page that the agent scrapes.
"""

from layout import GREEN, RED, UP, Dashboard

COUNTERS = ["http_requests_total", "http_request_duration_seconds_count", "http_server_requests_seconds_count",
            "http_server_request_duration_seconds_count", "http_requests"]
HISTOGRAMS = ["http_request_duration_seconds", "http_server_requests_seconds", "http_server_request_duration_seconds"]
CODES = ["code", "status", "status_code", "http_response_status_code"]

d = Dashboard("service", "Services",
              "Requests, errors and durations of the services whose pages the agents scrape, or that send them.",
              "sidewatch_build_info", "Agent")
d.choice("app", "Service", '{__name__=~"%s|up",job!=""}' % "|".join(COUNTERS), "job",
         "Services, by the job of their page.")
# What is sent with StatsD to an agent that is asked itself has no job.
OF = 'job=~"$app|"'


def first_of(expressions):
    """Of each service what it has of these, in this order."""
    return "(" + " or ".join(expressions) + ")"


def rate(selector):
    return f"sum by (job, instance) (rate({selector}[$__rate_interval]))"


REQUESTS = first_of(rate(f"{name}{{{OF}}}") for name in COUNTERS)
ERRORS = first_of([rate(f'{name}{{{OF},{code}=~"5.."}}') for name in COUNTERS for code in CODES] +
                  [f"0 * {rate(f'{name}{{{OF}}}')}" for name in COUNTERS])


def by_status(name):
    return f"sum by ({', '.join(['job', 'instance', *CODES])}) (rate({name}{{{OF}}}[$__rate_interval]))"


# A service that has a counter and a histogram of its requests has them twice.
OF_HISTOGRAM = "http_request_duration_seconds_count"
TWICE = f"({by_status(OF_HISTOGRAM)} unless on (job, instance) {rate(f'http_requests_total{{{OF}}}')})"
BY_STATUS = first_of([by_status(name) for name in COUNTERS if name != OF_HISTOGRAM] + [TWICE])


def quantile(share):
    """In seconds, of histograms and of summaries."""
    counted = [f"sum by (job, instance, le) (rate({name}_bucket{{{OF}}}[$__rate_interval]))" for name in HISTOGRAMS]
    told = [f'{name}{{{OF},quantile="{share}"}}' for name in [*HISTOGRAMS, "http_request_duration"]]
    return first_of([f"histogram_quantile({share}, {one})" for one in counted]
                    + [f"max by (job, instance) ({one})" for one in told])


d.row("At a glance")
d.stat("Requests", "Answers per second.", (REQUESTS, "{{job}} {{instance}}"), "reqps", width=6)
d.stat("Errors", "Share of the answers with a status of 5xx.",
       (f"100 * {ERRORS} / ({REQUESTS} > 0)", "{{job}} {{instance}}"), "percent", width=6, rule="HttpErrorsHigh",
       decimals=2)
d.stat("Slow", "Seconds that 19 of 20 requests do not exceed.", (quantile(0.95), "{{job}} {{instance}}"), "s", width=6,
       rule="HttpSlow")
d.stat("Its page", "Whether the service's own metrics could be had.", ('up{job=~"$app"}', "{{job}} {{instance}}"),
       "none", width=6, meanings=UP, thresholds=[(RED, None), (GREEN, 1)])

d.row("Requests")
d.graph("Requests", "Answers per second, by service.", (REQUESTS, "{{job}} {{instance}}"), "reqps")
d.graph("By status", "Answers per second, by what they said.",
        (BY_STATUS, "{{job}} " + "".join("{{%s}}" % code for code in CODES)), "reqps", stacked=True)
d.graph("Errors", "Share of the answers with a status of 5xx.",
        (f"100 * {ERRORS} / ({REQUESTS} > 0)", "{{job}} {{instance}}"), "percent", rule="HttpErrorsHigh", lowest=0)
d.graph("How long: half of them", "Seconds that one request of two does not exceed.",
        (quantile(0.5), "{{job}} {{instance}}"), "s")
d.graph("How long: 19 of 20", "Seconds that 19 of 20 requests do not exceed.", (quantile(0.95), "{{job}} {{instance}}"),
        "s", rule="HttpSlow")
d.graph("How long: 99 of 100", "Seconds that 99 of 100 requests do not exceed.",
        (quantile(0.99), "{{job}} {{instance}}"), "s")

d.row("Node.js")
d.graph("Event loop", "How long what was due had to wait, of which one in a hundred waited longer.",
        (f"nodejs_eventloop_lag_p99_seconds{{{OF}}}", "{{job}} {{instance}}"), "s")
d.graph("Heap", "What the objects take, and what the engine holds for them.",
        [(f"nodejs_heap_size_used_bytes{{{OF}}}", "{{job}} used {{instance}}"),
         (f"nodejs_heap_size_total_bytes{{{OF}}}", "{{job}} held {{instance}}")], "bytes")
d.graph("Open requests and handles",
        "What the process waits for: connections, timers, files. Those that only rise are a leak.",
        (f"nodejs_active_resources_total{{{OF}}}", "{{job}} {{instance}}"))

d.row("Their pages")
d.timeline("Page", "Whether each scrape of a service's own metrics worked.",
           ('up{job=~"$app"}', "{{job}} {{instance}}"), UP, width=8)
d.graph("How long a scrape takes", "What the agent needed to get each page.",
        ('scrape_duration_seconds{job=~"$app"}', "{{job}} {{instance}}"), "s")
d.graph("Samples", "How many are on each page.", ('scrape_samples_scraped{job=~"$app"}', "{{job}} {{instance}}"))
