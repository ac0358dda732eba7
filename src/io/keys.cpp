#include "io/keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/ensure.hpp"
#include "io/descriptor.hpp"

namespace liaison::io {
namespace {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr std::size_t max_key_bytes = 1024;
constexpr int certificate_days = 825;

std::string error_text(int error) { return std::generic_category().message(error); }

Bio memory() {
  Bio bio(BIO_new(BIO_s_mem()));
  ENSURE(bio != nullptr);
  return bio;
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string private_pem(const Key& key) {
  const Bio bio = memory();
  ENSURE(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1);
  return text_of(bio);
}

void add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  ENSURE(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Certificate self_signed(const Key& key, const std::string& names) {
  Certificate certificate(X509_new());
  X509* x509 = certificate.get();
  ENSURE(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  ENSURE(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ENSURE(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) == 1);
  // An hour back, for clients whose clock is behind.
  ENSURE(X509_gmtime_adj(X509_getm_notBefore(x509), -3'600) != nullptr);
  ENSURE(X509_gmtime_adj(X509_getm_notAfter(x509), certificate_days * 86'400L) != nullptr);
  X509_NAME* name = X509_get_subject_name(x509);
  ENSURE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>("Liaison"), -1, -1,
                                    0) == 1);
  ENSURE(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key.get()) == 1);
  add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x509, NID_key_usage, "critical,digitalSignature");
  add_extension(x509, NID_ext_key_usage, "serverAuth");
  add_extension(x509, NID_subject_alt_name, names);
  ENSURE(X509_sign(x509, key.get(), EVP_sha256()) != 0);
  return certificate;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

}  // namespace

Result<void> create_invite_key(const std::filesystem::path& file) {
  return write_new_file(file, signaling::SecretKey::draw().to_string() + "\n", 0600);
}

Result<signaling::SecretKey> load_invite_key(const std::filesystem::path& file) {
  auto text = read_file(file, max_key_bytes);
  if (!text) return std::unexpected(text.error());
  if (text->ends_with('\n')) text->pop_back();
  auto key = signaling::SecretKey::parse(*text);
  if (!key) {
    return fail("bad_key",
                fmt::format("{}: {}; restore the file, or move it away and make a new one with "
                            "`liaison init` (links made with the old one then stop working)",
                            file.string(), key.error().message));
  }
  return key;
}

Result<std::string> create_self_signed(const std::filesystem::path& certificate_file,
                                       const std::filesystem::path& key_file,
                                       const std::string& host,
                                       std::span<const IpAddress> addresses) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  ENSURE(key != nullptr);
  std::string names = "DNS:localhost";
  if (is_host_name(host) && host != "localhost") names += ",DNS:" + host;
  for (const IpAddress& address : addresses) names += ",IP:" + address.to_string();
  const Certificate certificate = self_signed(key, names);

  if (auto written = write_new_file(key_file, private_pem(key), 0600); !written)
    return std::unexpected(written.error());
  const Bio bio = memory();
  ENSURE(PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
  if (auto written = write_new_file(certificate_file, text_of(bio), 0644); !written)
    return std::unexpected(written.error());

  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ENSURE(X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) == 1);
  return fmt::format("{:02X}", fmt::join(std::span(digest).first(size), ":"));
}

Result<void> write_new_file(const std::filesystem::path& file, std::string_view text,
                            unsigned permissions) {
  const Descriptor out(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                            static_cast<mode_t>(permissions)));
  if (!out) {
    if (errno == EEXIST)
      return fail("exists", fmt::format("{} exists already and is not overwritten; move it away to "
                                        "make a new one",
                                        file.string()));
    return fail("unwritable", fmt::format("{}: {}", file.string(), error_text(errno)));
  }
  while (!text.empty()) {
    const ssize_t written = write(out.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return fail("unwritable", fmt::format("{}: {}", file.string(), error_text(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(out.get()) != 0)
    return fail("unwritable", fmt::format("{}: {}", file.string(), error_text(errno)));
  return {};
}

Result<std::string> read_file(const std::filesystem::path& file, std::size_t limit) {
  const Descriptor in(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) {
    const std::string_view code = errno == ENOENT ? "no_file" : "unreadable";
    return fail(code, fmt::format("{}: {}", file.string(), error_text(errno)));
  }
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(in.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("unreadable", fmt::format("{}: {}", file.string(), error_text(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limit)
    return fail("too_large", fmt::format("{}: larger than {} bytes", file.string(), limit));
  text.resize(size);
  return text;
}

}  // namespace liaison::io
