using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Understudy.Runs;

/// <summary>SHA-256 of what files and folders hold, wherever they lie.</summary>
public static class ContentHash
{
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Written), string> Known = new();

    /// <summary>The hash of a file's bytes, or of a folder's files with their relative names (hidden ones left out), as 64 hexadecimal digits.</summary>
    /// <remarks>A file that has kept its length and time of change since an earlier call is not read again.</remarks>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder at <paramref name="path"/>.</exception>
    public static string Of(string path)
    {
        if (!Directory.Exists(path))
            return OfFile(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var names = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(path, file).Replace('\\', '/'))
            .Where(name => !name.StartsWith('.') && !name.Contains("/.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        foreach (var name in names)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{OfFile(Path.Combine(path, name))}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hash of a text's UTF-8 bytes.</summary>
    public static string OfText(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string OfFile(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw new FileNotFoundException($"There is no file or folder '{path}'.", path);
        return Known.GetOrAdd((info.FullName, info.Length, info.LastWriteTimeUtc), static key =>
        {
            using var stream = new FileStream(key.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20, FileOptions.SequentialScan);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        });
    }
}
