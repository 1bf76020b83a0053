using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Understudy.Hub;

/// <summary>What an etag of the Hub says about the bytes: SHA-256 for files in large file storage, the hash of a git blob for others.</summary>
internal static class BlobHash
{
    /// <summary>What is wrong with a file; null when it is what its etag says, or when the etag is no hash.</summary>
    public static string? Fault(string path, string etag, CancellationToken cancel)
    {
        if (!etag.All(char.IsAsciiHexDigitLower) || etag.Length is not (40 or 64))
            return null;
        var (kind, found) = etag.Length == 64 ? ("SHA-256", Of(path, HashAlgorithmName.SHA256, false, cancel)) : ("git hash", OfGitBlob(path, cancel));
        return found == etag ? null : $"expected the {kind} {etag}, found {found}";
    }

    // "blob LENGTH", a zero byte and the content (Pro Git, 10.2).
    private static string OfGitBlob(string path, CancellationToken cancel) => Of(path, HashAlgorithmName.SHA1, true, cancel);

    private static string Of(string path, HashAlgorithmName algorithm, bool asGitBlob, CancellationToken cancel)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(algorithm);
        if (asGitBlob)
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {stream.Length}\0")));
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        try
        {
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                cancel.ThrowIfCancellationRequested();
                hash.AppendData(buffer.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
