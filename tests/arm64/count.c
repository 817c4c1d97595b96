/* A plugin for qemu-user: counts the guest's instructions into a file that the guest itself can map and read.
 *
 * Declared here is the part of QEMU's plugin interface, version 1, that it uses; Debian ships no header for it.
 * gcc -shared -fPIC -o count.so count.c; qemu-aarch64 -plugin count.so,into=PATH ...
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated callback);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *to,
                                                     uint64_t value);

int qemu_plugin_version = 1;
static uint64_t *count;

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, count, qemu_plugin_tb_n_insns(tb));
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    const char *path = argc > 0 && strncmp(argv[0], "into=", 5) == 0 ? argv[0] + 5 : NULL;
    int file = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;

    (void)info;
    if (file < 0 || ftruncate(file, sizeof *count) != 0) {
        fprintf(stderr, "count: give it into=PATH, a file that can be written\n");
        return -1;
    }
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (count == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
