using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Understudy.Hub;

/// <summary>
/// Compares a file with what its etag says of it: SHA-256 for files in large file storage, the hash of a git blob for others. Bytes are
/// hashed as they arrive, so that a large file need not be read again; what arrived in an earlier process is.
/// </summary>
internal sealed class BlobHash : IDisposable
{
    private readonly string etag;
    private readonly bool isGitBlob;
    private readonly IncrementalHash? hash;
    private long hashed;

    /// <summary>For one file; an etag that is no hash says nothing about it.</summary>
    public BlobHash(string etag)
    {
        this.etag = etag;
        isGitBlob = etag.Length == 40;
        if (etag.All(char.IsAsciiHexDigitLower) && etag.Length is 40 or 64)
            hash = IncrementalHash.CreateHash(isGitBlob ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
    }

    /// <summary>Bytes that were written at <paramref name="position"/>. The hash of a git blob begins with its length, so it waits for the end.</summary>
    public void Append(long position, ReadOnlySpan<byte> bytes)
    {
        if (hash is null || isGitBlob || position != hashed)
            return;
        hash.AppendData(bytes);
        hashed += bytes.Length;
    }

    /// <summary>The file is empty again.</summary>
    public void Restart()
    {
        hash?.GetHashAndReset();
        hashed = 0;
    }

    /// <summary>What is wrong with the file; null when it is what its etag says.</summary>
    public string? Fault(string path, CancellationToken cancel)
    {
        if (hash is null)
            return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        // "blob LENGTH", a zero byte and the content (Pro Git, 10.2).
        if (isGitBlob)
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {stream.Length}\0")));
        stream.Position = hashed;
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
        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        return found == etag ? null : $"expected the {(isGitBlob ? "git hash" : "SHA-256")} {etag}, found {found}";
    }

    public void Dispose() => hash?.Dispose();
}
