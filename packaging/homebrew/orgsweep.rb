# Homebrew: `brew install orgsweep/tap/orgsweep`. The release's own copy has the four digests filled in, and is the tap's.
class Orgsweep < Formula
  desc "Delete everything that belongs to one organization from a relational database"
  homepage "https://github.com/orgsweep/orgsweep"
  version "0.2.0"
  license any_of: ["MIT", "Apache-2.0"]

  releases = "https://github.com/orgsweep/orgsweep/releases/download/v#{version}/orgsweep-v#{version}"

  on_macos do
    on_arm do
      url "#{releases}-aarch64-apple-darwin.tar.gz"
      sha256 "SHA256 of aarch64-apple-darwin"
    end
    on_intel do
      url "#{releases}-x86_64-apple-darwin.tar.gz"
      sha256 "SHA256 of x86_64-apple-darwin"
    end
  end

  on_linux do
    on_arm do
      url "#{releases}-aarch64-unknown-linux-musl.tar.gz"
      sha256 "SHA256 of aarch64-unknown-linux-musl"
    end
    on_intel do
      url "#{releases}-x86_64-unknown-linux-musl.tar.gz"
      sha256 "SHA256 of x86_64-unknown-linux-musl"
    end
  end

  def install
    bin.install "orgsweep"
    generate_completions_from_executable(bin/"orgsweep", "completions")
    mkdir "pages"
    system bin/"orgsweep", "man", "--dir", "pages"
    man1.install Dir["pages/*.1"]
  end

  test do
    system bin/"orgsweep", "demo"
  end
end
