/* An NSS plugin for subordinate ids, as SSSD has one: whoever asks, it is 700000:65536. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <shadow/subid.h>

enum subid_status shadow_subid_has_any_range(const char *owner, enum subid_type type, bool *result);
enum subid_status shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, enum subid_type type,
					 bool *result);
enum subid_status shadow_subid_find_subid_owners(unsigned long id, enum subid_type type, uid_t **uids, int *count);
enum subid_status shadow_subid_list_owner_ranges(const char *owner, enum subid_type type, struct subid_range **ranges,
						 int *count);

enum subid_status shadow_subid_has_any_range(const char *owner, enum subid_type type, bool *result)
{
	(void)owner, (void)type;
	*result = true;
	return SUBID_STATUS_SUCCESS;
}

enum subid_status shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, enum subid_type type,
					 bool *result)
{
	(void)owner, (void)type;
	*result = start >= 700000 && start + count <= 765536;
	return SUBID_STATUS_SUCCESS;
}

enum subid_status shadow_subid_find_subid_owners(unsigned long id, enum subid_type type, uid_t **uids, int *count)
{
	(void)id, (void)type;
	*uids = NULL;
	*count = 0;
	return SUBID_STATUS_SUCCESS;
}

enum subid_status shadow_subid_list_owner_ranges(const char *owner, enum subid_type type, struct subid_range **ranges,
						 int *count)
{
	(void)owner, (void)type;
	*ranges = malloc(sizeof(**ranges));
	if (!*ranges)
		return SUBID_STATUS_ERROR;
	(*ranges)->start = 700000;
	(*ranges)->count = 65536;
	*count = 1;
	return SUBID_STATUS_SUCCESS;
}
