/* The header as a service in strict C11 uses it. */
#include "collectors/application/sidewatch.h"

#include "in_c.h"

static sidewatch_client client;
static sidewatch_metric orders, depth, took, size;

void in_c_send_one_of_each(const char* address) {
  sidewatch_open(&client, address);
  sidewatch_counter(&orders, "c.orders", "kind:web");
  sidewatch_gauge(&depth, "c.depth", NULL);
  sidewatch_timer(&took, "c.took", "");
  sidewatch_histogram(&size, "c.size", "unit:bytes,big");
  sidewatch_add(&client, &orders, 3);
  sidewatch_set(&client, &depth, -2.5);
  sidewatch_change(&client, &depth, 4);
  sidewatch_change(&client, &depth, -0.25);
  sidewatch_record_ns(&client, &took, 12345678);
  sidewatch_record(&client, &size, 512);
  sidewatch_close(&client);
}
