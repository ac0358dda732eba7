#include "sim/disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/ensure.hpp"

namespace liaison::sim {

// In memory that SQLite gives, from xOpen to xClose.
struct Disk::OpenFile : sqlite3_file {
  Disk* disk = nullptr;
  std::shared_ptr<File> file;
  std::shared_ptr<Shared> shared;
  int level = SQLITE_LOCK_NONE;
  unsigned shared_slots = 0;
  unsigned exclusive_slots = 0;
  // That it is there is not on the disk yet.
  bool sync_folder = false;
};

// How much a cut of the power leaves of what was not synced.
struct Disk::Cut {
  enum class Left : std::uint8_t { nothing, all, until, each } left;
  std::uint64_t serial;  // the last state that is left, with `until`

  template <typename T>
  const T& choose(const std::vector<Version<T>>& versions, Random& random) const {
    switch (left) {
      case Left::nothing:
        break;
      case Left::all:
        return versions.back().value;
      case Left::until: {
        const auto later = std::ranges::find_if(
            versions, [&](const Version<T>& version) { return version.serial > serial; });
        return std::prev(later)->value;  // the first has the serial 0
      }
      case Left::each:
        return versions[random.below(versions.size())].value;
    }
    return versions.front().value;
  }
};

struct Disk::Calls {
  static OpenFile& opened(sqlite3_file* file) { return *static_cast<OpenFile*>(file); }
  static Disk& disk(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

  static int close(sqlite3_file* file) {
    opened(file).disk->close(opened(file));
    opened(file).~OpenFile();
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    return opened(file).disk->read(*opened(file).file, static_cast<std::uint64_t>(offset),
                                   static_cast<unsigned char*>(out),
                                   static_cast<std::size_t>(size));
  }
  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    return opened(file).disk->write(*opened(file).file, static_cast<std::uint64_t>(offset),
                                    static_cast<const unsigned char*>(data),
                                    static_cast<std::size_t>(size));
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    return opened(file).disk->truncate(*opened(file).file, static_cast<std::uint64_t>(size));
  }
  static int sync(sqlite3_file* file, int) { return opened(file).disk->sync(opened(file)); }
  static int file_size(sqlite3_file* file, sqlite3_int64* out) {
    if (opened(file).disk->dead_) return SQLITE_IOERR_FSTAT;
    *out = static_cast<sqlite3_int64>(opened(file).file->data.size());
    return SQLITE_OK;
  }
  static int lock(sqlite3_file* file, int level) {
    return opened(file).disk->lock(opened(file), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    opened(file).level = std::min(opened(file).level, level);
    return SQLITE_OK;
  }
  static int check_reserved_lock(sqlite3_file* file, int* out) {
    *out = std::ranges::any_of(opened(file).file->open, [](const OpenFile* one) {
      return one->level >= SQLITE_LOCK_RESERVED;
    });
    return SQLITE_OK;
  }
  static int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int size_of_sector(sqlite3_file*) { return static_cast<int>(sector_size); }
  // As the unix VFS says of any device: a write harms nothing beside it.
  static int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
  static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    return opened(file).disk->map_shared(opened(file), static_cast<std::size_t>(region),
                                         static_cast<std::size_t>(size), extend != 0, out);
  }
  static int shm_lock(sqlite3_file* file, int first, int count, int flags) {
    const unsigned slots = ((1U << static_cast<unsigned>(count)) - 1)
                           << static_cast<unsigned>(first);
    return opened(file).disk->lock_shared(opened(file), slots, flags);
  }
  static void shm_barrier(sqlite3_file*) {}  // there is one thread
  static int shm_unmap(sqlite3_file* file, int) {
    opened(file).shared.reset();
    return SQLITE_OK;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    auto* opening = new (file) OpenFile{};
    const int code = disk(vfs).open(name, flags, *opening);
    if (code != SQLITE_OK) {
      opening->~OpenFile();
      file->pMethods = nullptr;  // so that SQLite does not close it
    } else if (out_flags != nullptr) {
      *out_flags = flags;
    }
    return code;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    return disk(vfs).remove(name, sync_folder != 0);
  }
  static int access(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
    if (disk(vfs).dead_) return SQLITE_IOERR_ACCESS;
    const auto found = disk(vfs).names_.find(name);
    // An empty file is as good as none, says the unix VFS.
    *out = found != disk(vfs).names_.end() &&
           (flags != SQLITE_ACCESS_EXISTS || !found->second->data.empty());
    return SQLITE_OK;
  }
  static int full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }
  static int randomness(sqlite3_vfs* vfs, int size, char* out) {
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(disk(vfs).random_.next() >> 56);
    return size;
  }
  static int pass_time(sqlite3_vfs* vfs, int time_us) {
    disk(vfs).took_ += microseconds(time_us);
    return time_us;
  }
  static int current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* out) {
    constexpr sqlite3_int64 unix_epoch_ms = 210'866'760'000'000;  // since noon, 4714 BC
    *out = unix_epoch_ms + duration_cast<milliseconds>(disk(vfs).time_.time_since_epoch()).count();
    return SQLITE_OK;
  }
  static int current_time(sqlite3_vfs* vfs, double* out) {
    sqlite3_int64 time_ms = 0;
    current_time_int64(vfs, &time_ms);
    *out = static_cast<double>(time_ms) / 86'400'000.0;
    return SQLITE_OK;
  }

  static const sqlite3_io_methods methods;
};

const sqlite3_io_methods Disk::Calls::methods = {
    .iVersion = 2,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = size_of_sector,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Disk::Disk(Random random) : random_(random), name_(fmt::format("disk-{}", fmt::ptr(this))) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = sizeof(OpenFile);
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = Calls::open;
  vfs_.xDelete = Calls::remove;
  vfs_.xAccess = Calls::access;
  vfs_.xFullPathname = Calls::full_pathname;
  vfs_.xRandomness = Calls::randomness;
  vfs_.xSleep = Calls::pass_time;
  vfs_.xCurrentTime = Calls::current_time;
  vfs_.xCurrentTimeInt64 = Calls::current_time_int64;
  ENSURE(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
  // SQLite has one generator for all, which draws its seed from the system's VFS. 0 is no seed.
  const int seed = static_cast<int>(random_.next() >> 33) | 1;
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, nullptr);
}

Disk::~Disk() {
  ENSURE(open_count_ == 0);
  sqlite3_vfs_unregister(&vfs_);
}

Duration Disk::take_time() { return std::exchange(took_, Duration::zero()); }

void Disk::crash() {
  crash_is_planned_ = false;
  dead_ = open_count_ > 0;
}

void Disk::crash_before(std::uint64_t operation) {
  crash_is_planned_ = true;
  crashed_ = false;
  operations_left_ = operation;
}

void Disk::power_cut(Random& random) {
  crash();
  const Cut how{static_cast<Cut::Left>(random.below(4)), random.below(serial_ + 1)};
  std::vector<File*> done;
  for (const Names* names : {&names_, &synced_names_}) {
    for (const auto& [name, file] : *names) {
      if (std::ranges::find(done, file.get()) != done.end()) continue;
      cut(*file, how, random);
      done.push_back(file.get());
    }
  }
  // A name that was made, or taken away, since its folder was synced.
  Names either = names_;
  either.insert(synced_names_.begin(), synced_names_.end());
  Names left;
  for (const auto& [name, file] : either) {
    const bool as_now =
        how.left == Cut::Left::all || (how.left != Cut::Left::nothing && random.chance(0.5));
    const Names& names = as_now ? names_ : synced_names_;
    if (const auto found = names.find(name); found != names.end()) left.insert(*found);
  }
  names_ = left;
  synced_names_ = std::move(left);
}

void Disk::cut(File& file, const Cut& cut, Random& random) {
  std::uint64_t size = file.data.size();
  if (!file.unsynced_sizes.empty()) size = cut.choose(file.unsynced_sizes, random);
  if (!file.unsynced.empty()) {
    const std::uint64_t end = (file.unsynced.rbegin()->first + 1) * sector_size;
    file.data.resize(std::max({end, size, std::uint64_t{file.data.size()}}));
  }
  for (const auto& [sector, unsynced] : file.unsynced) {
    const Sector& left = cut.choose(unsynced.versions, random);
    std::ranges::copy(left, file.data.begin() + static_cast<std::ptrdiff_t>(sector * sector_size));
  }
  file.data.resize(size);
  file.unsynced.clear();
  file.unsynced_sizes.clear();
}

std::string_view Disk::contents(std::string_view file) const {
  const auto found = names_.find(file);
  if (found == names_.end()) return {};
  const auto& data = found->second->data;
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

bool Disk::change() {
  spend_time();
  if (dead_) return false;
  if (crash_is_planned_ && operations_left_-- == 0) {
    crash();
    crashed_ = true;
    return false;
  }
  ++operations_;
  return true;
}

void Disk::spend_time() { took_ += random_.between(faults_.latency_min, faults_.latency_max); }

std::uint64_t Disk::used() const {
  std::uint64_t size = 0;
  for (const auto& [name, file] : names_) size += file->data.size();
  return size;
}

Disk::Sector Disk::sector_of(const File& file, std::uint64_t sector) {
  Sector value{};
  const std::uint64_t begin = sector * sector_size;
  if (begin >= file.data.size()) return value;
  const std::uint64_t size = std::min<std::uint64_t>(sector_size, file.data.size() - begin);
  std::memcpy(value.data(), file.data.data() + begin, size);
  return value;
}

void Disk::put(File& file, std::uint64_t offset, const unsigned char* data, std::size_t size) {
  while (size > 0) {
    const std::uint64_t sector = offset / sector_size;
    const std::uint64_t part = std::min<std::uint64_t>(size, (sector + 1) * sector_size - offset);
    UnsyncedSector& unsynced = file.unsynced[sector];
    if (unsynced.versions.empty()) unsynced.versions.push_back({0, sector_of(file, sector)});
    std::memcpy(file.data.data() + offset, data, part);
    unsynced.versions.push_back({++serial_, sector_of(file, sector)});
    unsynced.forgotten = false;
    offset += part;
    data += part;
    size -= part;
  }
}

void Disk::resize(File& file, std::uint64_t size) {
  const std::uint64_t before = file.data.size();
  if (size == before) return;
  if (file.unsynced_sizes.empty()) file.unsynced_sizes.push_back({0, before});
  file.unsynced_sizes.push_back({++serial_, size});
  if (size < before) {
    // What is cut off is not there again when the file grows later.
    const std::vector<unsigned char> zeros(before - size);
    put(file, size, zeros.data(), zeros.size());
  }
  file.data.resize(size);
}

int Disk::read(const File& file, std::uint64_t offset, unsigned char* out, std::size_t size) {
  spend_time();
  if (dead_ || random_.chance(faults_.read_error)) return SQLITE_IOERR_READ;
  const std::uint64_t there = offset < file.data.size() ? file.data.size() - offset : 0;
  const std::size_t part = std::min<std::uint64_t>(size, there);
  if (part > 0) std::memcpy(out, file.data.data() + offset, part);
  if (part == size) return SQLITE_OK;
  std::memset(out + part, 0, size - part);
  return SQLITE_IOERR_SHORT_READ;
}

int Disk::write(File& file, std::uint64_t offset, const unsigned char* data, std::size_t size) {
  if (!change() || random_.chance(faults_.write_error)) return SQLITE_IOERR_WRITE;
  std::uint64_t part = size;
  if (size > 0 && random_.chance(faults_.short_write)) part = random_.below(size);
  const std::uint64_t taken = used();
  const std::uint64_t room =
      faults_.full || taken >= faults_.size_limit ? 0 : faults_.size_limit - taken;
  if (offset + part > file.data.size()) {
    const std::uint64_t growth = offset + part - file.data.size();
    if (growth > room) part -= std::min(part, growth - room);
  }
  if (part > 0) {
    if (offset + part > file.data.size()) resize(file, offset + part);
    put(file, offset, data, part);
  }
  return part == size ? SQLITE_OK : SQLITE_FULL;
}

int Disk::truncate(File& file, std::uint64_t size) {
  if (!change() || random_.chance(faults_.write_error)) return SQLITE_IOERR_TRUNCATE;
  resize(file, size);
  return SQLITE_OK;
}

int Disk::sync(OpenFile& open) {
  if (!change()) return SQLITE_IOERR_FSYNC;
  File& file = *open.file;
  if (random_.chance(faults_.sync_error)) {
    for (auto& [sector, unsynced] : file.unsynced) {
      if (random_.chance(0.5)) unsynced.forgotten = true;
    }
    return SQLITE_IOERR_FSYNC;
  }
  std::erase_if(file.unsynced, [](const auto& entry) { return !entry.second.forgotten; });
  file.unsynced_sizes.clear();
  if (std::exchange(open.sync_folder, false)) synced_names_ = names_;
  return SQLITE_OK;
}

int Disk::open(const char* name, int flags, OpenFile& open) {
  if (dead_) return SQLITE_CANTOPEN;
  if (name == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
    open.file = std::make_shared<File>();
  } else if (const auto found = names_.find(name); found != names_.end()) {
    open.file = found->second;
  } else {
    if ((flags & SQLITE_OPEN_CREATE) == 0 || !change()) return SQLITE_CANTOPEN;
    open.file = std::make_shared<File>();
    names_.emplace(name, open.file);
    // With a journal of either kind the unix VFS syncs the folder, with a database it does not.
    constexpr int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    open.sync_folder = (flags & journals) != 0;
  }
  open.pMethods = &Calls::methods;
  open.disk = this;
  open.file->open.push_back(&open);
  ++open_count_;
  return SQLITE_OK;
}

void Disk::close(OpenFile& open) {
  std::erase(open.file->open, &open);
  if (--open_count_ == 0) dead_ = false;
}

int Disk::remove(std::string_view name, bool sync_folder) {
  if (!change() || random_.chance(faults_.write_error)) return SQLITE_IOERR_DELETE;
  const auto found = names_.find(name);
  if (found == names_.end()) return SQLITE_IOERR_DELETE_NOENT;
  names_.erase(found);
  if (!sync_folder) return SQLITE_OK;
  if (random_.chance(faults_.sync_error)) return SQLITE_IOERR_DIR_FSYNC;
  synced_names_ = names_;
  return SQLITE_OK;
}

int Disk::lock(OpenFile& open, int level) const {
  if (dead_) return SQLITE_IOERR_LOCK;
  if (open.level >= level) return SQLITE_OK;
  int others = SQLITE_LOCK_NONE;
  for (const OpenFile* one : open.file->open) {
    if (one != &open) others = std::max(others, one->level);
  }
  if (level == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED && others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
    // No more readers, while it waits for those that are there.
    if (others < SQLITE_LOCK_RESERVED) open.level = SQLITE_LOCK_PENDING;
    return SQLITE_BUSY;
  }
  open.level = level;
  return SQLITE_OK;
}

int Disk::lock_shared(OpenFile& open, unsigned slots, int flags) const {
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    open.shared_slots &= ~slots;
    open.exclusive_slots &= ~slots;
    return SQLITE_OK;
  }
  if (dead_) return SQLITE_IOERR_SHMLOCK;
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (const OpenFile* one : open.file->open) {
    if (one == &open) continue;
    const unsigned held = one->exclusive_slots | (exclusive ? one->shared_slots : 0);
    if ((held & slots) != 0) return SQLITE_BUSY;
  }
  (exclusive ? open.exclusive_slots : open.shared_slots) |= slots;
  return SQLITE_OK;
}

int Disk::map_shared(OpenFile& open, std::size_t region, std::size_t size, bool extend,
                     void volatile** out) const {
  *out = nullptr;
  if (dead_) return SQLITE_IOERR_SHMMAP;
  if (open.shared == nullptr) {
    open.shared = open.file->shared.lock();
    if (open.shared == nullptr) open.file->shared = open.shared = std::make_shared<Shared>();
  }
  auto& regions = open.shared->regions;
  if (region >= regions.size()) {
    if (!extend) return SQLITE_OK;
    while (region >= regions.size()) regions.emplace_back(size);
  }
  *out = regions[region].data();
  return SQLITE_OK;
}

}  // namespace liaison::sim
