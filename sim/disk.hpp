// A disk that can fail, fill up, and lose its power.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

// What goes wrong from now on. Probabilities are of one operation.
struct DiskFaults {
  double read_error = 0;
  double write_error = 0;  // nothing is written
  double short_write = 0;  // a part is written, and an error said
  // An error said. As under Linux, a part of what was to be written is then clean for the cache
  // though it is not on the disk: only writing it again brings it there.
  double sync_error = 0;
  bool full = false;  // no file can grow; what it has can be written over
  // Of all files together.
  std::uint64_t size_limit = std::numeric_limits<std::uint64_t>::max();
  // How long each operation takes.
  Duration latency_min{};
  Duration latency_max{};
};

// The files of one machine, in memory, as an SQLite VFS under a name of its own. It keeps apart
// what was written and what was synced, by sector, and what of a folder was synced: the end of the
// process loses nothing, that of the power all that a real disk may. Locks and shared memory are
// those of one process. It behaves as SQLite's unix VFS does (error codes, when a folder is synced,
// what is promised of a device), and does not know what is in the files.
class Disk {
 public:
  static constexpr std::size_t sector_size = 512;

  // Seeds what SQLite draws in this process, too: salts, nonces.
  explicit Disk(Random random);
  // No file may be open.
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // What to open a database on.
  const char* vfs() const { return name_.c_str(); }
  // What SQLite takes for the time of day.
  void set_time(UnixTime now) { time_ = now; }

  void set_faults(const DiskFaults& faults) { faults_ = faults; }
  // How long everything took since this was last asked.
  Duration take_time();

  // The process that has files open is dead: whatever it does until it has closed the last of them
  // fails, and changes nothing. What it wrote stays.
  void crash();
  // The same in the midst of its work: before it changes the disk for the so-manyth time from now,
  // counted from 0.
  void crash_before(std::uint64_t operation);
  // Whether that came to pass.
  bool crashed() const { return crashed_; }
  // crash(), and of what was not synced some is lost: of each sector, some state since it was last
  // synced is left. Taken back is all that was not synced, or nothing, or what came after some
  // moment (amid a write, too), or each sector by itself.
  void power_cut(Random& random);

  bool exists(std::string_view file) const { return names_.contains(file); }
  // What a process reads of it.
  std::string_view contents(std::string_view file) const;
  // How often the disk was changed: written, synced, a file made or deleted.
  std::uint64_t operations() const { return operations_; }

 private:
  using Sector = std::array<unsigned char, sector_size>;
  // What a sector or a size was before and after each write since the last sync: the first is what
  // is on the disk. `serial` numbers these states over the whole disk, in their order.
  template <typename T>
  struct Version {
    std::uint64_t serial = 0;
    T value{};
  };
  struct UnsyncedSector {
    std::vector<Version<Sector>> versions;
    // The cache takes it for synced after a failed sync.
    bool forgotten = false;
  };
  struct OpenFile;
  // Shared memory of all who have a file open; gone with the last of them.
  struct Shared {
    std::vector<std::vector<unsigned char>> regions;
  };
  struct File {
    std::vector<unsigned char> data;
    std::map<std::uint64_t, UnsyncedSector> unsynced;
    std::vector<Version<std::uint64_t>> unsynced_sizes;
    std::vector<OpenFile*> open;
    std::weak_ptr<Shared> shared;
  };
  using Names = std::map<std::string, std::shared_ptr<File>, std::less<>>;
  struct Cut;
  // The functions that SQLite calls.
  struct Calls;

  // Each gives an SQLite result code.
  int read(const File& file, std::uint64_t offset, unsigned char* out, std::size_t size);
  int write(File& file, std::uint64_t offset, const unsigned char* data, std::size_t size);
  int truncate(File& file, std::uint64_t size);
  int sync(OpenFile& open);
  int open(const char* name, int flags, OpenFile& open);
  int remove(std::string_view name, bool sync_folder);
  int lock(OpenFile& open, int level) const;
  int lock_shared(OpenFile& open, unsigned slots, int flags) const;
  int map_shared(OpenFile& open, std::size_t region, std::size_t size, bool extend,
                 void volatile** out) const;
  void close(OpenFile& open);

  // False if the process is dead, or dies now.
  bool change();
  void die();
  void spend_time();
  std::uint64_t used() const;
  void put(File& file, std::uint64_t offset, const unsigned char* data, std::size_t size);
  void resize(File& file, std::uint64_t size);
  static Sector sector_of(const File& file, std::uint64_t sector);
  static void cut(File& file, const Cut& cut, Random& random);

  Random random_;
  std::string name_;
  sqlite3_vfs vfs_{};
  DiskFaults faults_;
  UnixTime time_{};
  Duration took_{};

  Names names_;
  Names synced_names_;
  std::uint64_t serial_ = 0;
  std::uint64_t operations_ = 0;
  std::size_t open_count_ = 0;
  bool dead_ = false;
  bool crash_is_planned_ = false;
  bool crashed_ = false;
  std::uint64_t operations_left_ = 0;
};

}  // namespace liaison::sim
