/* SipHash-1-3 (Aumasson, Bernstein) under a key drawn once a process: an image cannot choose names
 * or owners that collide, and no output depends on the order of a table. Where the kernel gives no
 * key the address space's layout serves.
 */
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "inventory/layer.h"

static uint64_t key[2];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
	if (getrandom(key, sizeof(key), GRND_NONBLOCK) == (ssize_t)sizeof(key))
		return;
	key[0] = (uint64_t)(uintptr_t)&key_once * 0x9e3779b97f4a7c15u;
	key[1] = (uint64_t)(uintptr_t)__builtin_frame_address(0) ^ (uint64_t)getpid() << 32;
}

static inline uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t inv_path_hash(const char *path, size_t n)
{
	uint64_t v[4], m;
	size_t left = n;

	pthread_once(&key_once, draw_key);
	v[0] = key[0] ^ 0x736f6d6570736575u;
	v[1] = key[1] ^ 0x646f72616e646f6du;
	v[2] = key[0] ^ 0x6c7967656e657261u;
	v[3] = key[1] ^ 0x7465646279746573u;
	for (; left >= sizeof(m); left -= sizeof(m), path += sizeof(m)) {
		memcpy(&m, path, sizeof(m));
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = 0;
	memcpy(&m, path, left);
	m |= (uint64_t)n << 56;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
