"""Alerts, and what becomes of the messages about them."""

from layout import FIRING_CRITICAL, FIRING_WARNINGS, GREEN, ORANGE, RED, UP, Dashboard

d = Dashboard("alerts", "Alerts and deliveries", "What fires, who was told, and what could not be delivered.",
              "sidewatch_build_info", "Agent")
WORKED = {0: ("no", RED), 1: ("yes", GREEN)}

d.row("Now")
d.stat("Critical", "Alerts that fire and are worth getting up for.", 'sum(sidewatch_alerts_firing{@,level="critical"})',
       thresholds=[(GREEN, None), (RED, 1)])
d.stat("Warnings", "Alerts that fire and can wait until the day.", 'sum(sidewatch_alerts_firing{@,level="warning"})',
       thresholds=[(GREEN, None), (ORANGE, 1)])
d.stat("Pending", "Alerts whose delay is not over yet.", 'count(ALERTS{alertstate="pending"}) or vector(0)')
d.stat("Told", "Messages that receivers took, in the time shown.",
       "sum(increase(sidewatch_notifications_delivered_total{@}[$__range]))", sparkline=False, decimals=0, instant=True)
d.stat("Waiting", "Messages that no receiver has taken yet.", "sum(sidewatch_notifications_pending{@})",
       thresholds=[(GREEN, None), (ORANGE, 5)])
d.stat("Refused for good", "Messages that are kept to be looked at: their receiver does not want them.",
       "sum(sidewatch_dead_letters{@})", thresholds=[(GREEN, None), (RED, 1)])
d.stat("Kept on disk", "Whether alerts and messages survive a crash.", "min(sidewatch_outbox_durable{@})", "none",
       meanings=WORKED)
d.stat("Rules", "How many are evaluated.", "sum(sidewatch_rules{@})", sparkline=False)

d.row("Alerts")
d.table("What fires, and what is pending", "Every alert with what it is about.", "alertname",
        [("Alerts", "short",
          'sum by (alertname, alertstate, severity, instance, groupname, name, mountpoint, probe) (ALERTS)')], width=24,
        shown={"alertname": "Alert", "alertstate": "State", "severity": "Level", "instance": "Of",
               "groupname": "Process", "name": "Container or command", "mountpoint": "Filesystem", "probe": "Check"})
d.timeline("When it fired", "A line for each alert and level.",
           [(FIRING_WARNINGS, "{{alertname}} (warning)"),
            (FIRING_CRITICAL, "{{alertname}} (critical)")],
           {1: ("warning", ORANGE), 2: ("critical", RED)}, height=10)
d.graph("How many", "Alerts that fire, by level.", ("sum by (level) (sidewatch_alerts_firing{@})", "{{level}}"),
        stacked=True, width=12, height=10)

d.row("Messages")
d.graph("Taken", "Messages that each receiver took.",
        ("increase(sidewatch_notifications_delivered_total{@}[$__rate_interval])", "{{receiver}} {{instance}}"))
d.graph("Failed attempts", "They are tried again, ever more slowly.",
        ("increase(sidewatch_notifications_failed_attempts_total{@}[$__rate_interval])", "{{receiver}} {{instance}}"))
d.graph("Waiting", "Messages that each receiver has not taken yet.",
        ("sidewatch_notifications_pending{@}", "{{receiver}} {{instance}}"))
d.graph("Lost to a receiver",
        "Messages that it refused for good, or that a full queue took away. Both are kept to be looked at.",
        [("increase(sidewatch_notifications_rejected_total{@}[$__rate_interval])", "{{receiver}} refused {{instance}}"),
         ("increase(sidewatch_notifications_dropped_total{@}[$__rate_interval])", "{{receiver}} dropped {{instance}}")])
d.graph("Not sent, by reason", "Such as the cooldown: one message about a problem that comes and goes.",
        ("increase(sidewatch_notifications_suppressed_total{@}[$__rate_interval])", "{{reason}} {{instance}}"))
d.graph("Merged", "Messages that a later one of the same incident took in before they were sent.",
        ("increase(sidewatch_notifications_merged_total{@}[$__rate_interval])", "{{receiver}} {{instance}}"))

d.row("Whether it can be relied on")
d.timeline("On disk", "Whether the last change of alerts and messages could be written.",
           ("1 - sidewatch_outbox_degraded{@}", "written {{instance}}"), WORKED, width=8)
d.graph("Disk refused", "Writes of alerts and messages that the disk refused; they are kept in memory meanwhile.",
        ("increase(sidewatch_outbox_failed_commits_total{@}[$__rate_interval])", "{{instance}}"))
d.graph("Rules that fail", "Evaluations that ended in an error, and alerts that were one too many of their rule.",
        [("increase(sidewatch_rule_evaluation_failures_total{@}[$__rate_interval])", "errors {{instance}}"),
         ("increase(sidewatch_alerts_refused_total{@}[$__rate_interval])", "too many {{instance}}")])
