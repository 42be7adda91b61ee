// What in_c.c sends.
#pragma once

#ifdef __cplusplus
extern "C"
#endif
void in_c_send_one_of_each(const char* address);
