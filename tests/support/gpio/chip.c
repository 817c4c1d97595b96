/* A GPIO chip for one process, put between it and the kernel by LD_PRELOAD: so the real lgpio is tested without hardware.

   FAKE_CHIP names a folder. All that is done to a line is added to its file "log". "N.busy" is a line that another
   process holds, "N.in" a file with the level that drives an input; nothing drives the others but their pull. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define LINES 54

static int is_chip[DESCRIPTORS], line_of[DESCRIPTORS], silent_end[DESCRIPTORS];
static unsigned long long flags_of[LINES];

#define REAL(name, result, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static void say(const char *what, int line, const char *more) {
    char path[4096], text[128];
    snprintf(path, sizeof path, "%s/log", getenv("FAKE_CHIP"));
    int length = snprintf(text, sizeof text, "%s %d%s\n", what, line, more);
    int log = REAL("open", int, const char *, int, ...)(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (log >= 0) {
        if (write(log, text, length) != length) abort();
        REAL("close", int, int)(log);
    }
}

static int file(int line, const char *kind, char *first) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", getenv("FAKE_CHIP"), line, kind);
    int descriptor = REAL("open", int, const char *, int, ...)(path, O_RDONLY);
    if (descriptor < 0) return 0;
    if (first && read(descriptor, first, 1) != 1) *first = '0';
    REAL("close", int, int)(descriptor);
    return 1;
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    int (*real)(const char *, int, ...) = REAL("open", int, const char *, int, ...);
    if (strcmp(path, "/dev/gpiochip0")) return real(path, flags, mode);
    int chip = real("/dev/null", O_RDWR | O_CLOEXEC);
    is_chip[chip] = 1;
    return chip;
}

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        if (line_of[descriptor]) {
            say("free", line_of[descriptor] - 1, "");
            REAL("close", int, int)(silent_end[descriptor]);
        }
        is_chip[descriptor] = line_of[descriptor] = 0;
    }
    return REAL("close", int, int)(descriptor);
}

static int request(struct gpio_v2_line_request *wanted) {
    int line = wanted->offsets[0], ends[2];
    unsigned long long flags = wanted->config.flags;
    if (file(line, "busy", NULL)) return errno = EBUSY, -1;
    if (pipe2(ends, O_CLOEXEC)) return -1; /* no event ever comes */
    wanted->fd = ends[0];
    silent_end[ends[0]] = ends[1];
    line_of[ends[0]] = line + 1;
    flags_of[line] = flags;
    if (flags & GPIO_V2_LINE_FLAG_OUTPUT)
        say("output", line, wanted->config.num_attrs && wanted->config.attrs[0].attr.values & 1 ? " 1" : " 0");
    else
        say("input", line, flags & GPIO_V2_LINE_FLAG_BIAS_PULL_UP ? " up" : "");
    return 0;
}

static int use(int line, unsigned long what, struct gpio_v2_line_values *values) {
    char level = flags_of[line] & GPIO_V2_LINE_FLAG_BIAS_PULL_UP ? '1' : '0';
    if (what == GPIO_V2_LINE_SET_VALUES_IOCTL) return say("set", line, values->bits & 1 ? " 1" : " 0"), 0;
    if (what != GPIO_V2_LINE_GET_VALUES_IOCTL) return 0;
    file(line, "in", &level);
    values->bits = level == '1';
    return 0;
}

int ioctl(int descriptor, unsigned long what, ...) {
    va_list more;
    va_start(more, what);
    void *data = va_arg(more, void *);
    va_end(more);
    int ours = descriptor >= 0 && descriptor < DESCRIPTORS;
    if (ours && line_of[descriptor]) return use(line_of[descriptor] - 1, what, data);
    if (!ours || !is_chip[descriptor]) return REAL("ioctl", int, int, unsigned long, ...)(descriptor, what, data);
    if (what == GPIO_V2_GET_LINE_IOCTL) return request(data);
    if (what == GPIO_GET_CHIPINFO_IOCTL) ((struct gpiochip_info *)data)->lines = LINES;
    if (what == GPIO_V2_GET_LINEINFO_IOCTL) {
        struct gpio_v2_line_info *info = data;
        info->flags = flags_of[info->offset];
        if (file(info->offset, "busy", NULL)) {
            info->flags |= GPIO_V2_LINE_FLAG_USED;
            strcpy(info->consumer, "spi0 CS0");
        }
    }
    return 0;
}
