/*
 * Preloaded into a process that wants dma-heaps on a machine without any: they are imitated by anonymous memory, which
 * can be mapped and passed on as well. What synchronizes or names such a buffer has nothing to do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define HEAPS "/dev/dma_heap/"

static int heap(const char *path)
{
	return path && strncmp(path, HEAPS, strlen(HEAPS)) == 0;
}

static mode_t mode_of(int flags, va_list rest)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                               \
	int name(const char *path, int flags, ...)                               \
	{                                                                        \
		static int (*real)(const char *, int, ...);                      \
		va_list rest;                                                    \
		if (heap(path))                                                  \
			return memfd_create("dma-heap", MFD_CLOEXEC);            \
		if (!real)                                                       \
			real = dlsym(RTLD_NEXT, #name);                          \
		va_start(rest, flags);                                           \
		mode_t mode = mode_of(flags, rest);                              \
		va_end(rest);                                                    \
		return real(path, flags, mode);                                  \
	}

OPEN(open)
OPEN(open64)

static int allocate(struct dma_heap_allocation_data *wanted)
{
	int fd = memfd_create("dma-buffer", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, wanted->len)) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	wanted->fd = fd;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	switch (request) {
	case DMA_HEAP_IOCTL_ALLOC:
		return allocate(argument);
	case DMA_BUF_IOCTL_SYNC:
	case DMA_BUF_SET_NAME_A:
	case DMA_BUF_SET_NAME_B:
		return 0;
	}
	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, argument);
}
