namespace Understudy.Data;

/// <summary>Opens data files: says what is wrong with the path, unpacks gzip by the file's first bytes.</summary>
internal static class DataFile
{
    /// <summary>The bytes of the file, unpacked when it is gzip.</summary>
    /// <exception cref="FileNotFoundException">There is no such file; the message offers a neighbour with a similar name.</exception>
    /// <exception cref="InvalidDataException">The path is a folder, or the file is compressed with something else than gzip.</exception>
    public static Stream Open(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException($"{path}: expected a data file, found a folder. Name the file in it.");
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path}: there is no such file.{Neighbour(path)}", path);
        // Opening /dev/stdin anew asks for a permission that whoever was handed it need not have.
        Stream file = path == StandardInput.Path
            ? Console.OpenStandardInput()
            : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        try
        {
            Span<byte> magic = stackalloc byte[6];
            magic = magic[..Begin(file, magic)];
            Stream whole = file;
            if (file.CanSeek)
                file.Position = 0;
            else
                whole = new PipedFile(magic.ToArray(), file);
            if (magic.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
                return new GzipReader(whole, path);
            var (packer, command) = Packer(magic);
            return packer is null
                ? whole
                : throw new InvalidDataException($"{path}: the file is compressed with {packer}, and only gzip is read. Unpack it: {command} '{path}'.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // As many bytes as there are, up to the first line break: whoever types a short line waits for its answer.
    private static int Begin(Stream file, Span<byte> magic)
    {
        var length = 0;
        for (int read; length < magic.Length && !magic[..length].Contains((byte)'\n') && (read = file.Read(magic[length..])) > 0;)
            length += read;
        return length;
    }

    /// <summary>The format that the file's name stands for.</summary>
    /// <exception cref="InvalidDataException">The extension is not known.</exception>
    public static DataFormat FormatOf(string path) => KnownFormat(path)
        ?? throw new InvalidDataException($"{path}: the extension '{Path.GetExtension(Unpacked(path)).ToLowerInvariant()}' says nothing about the format. Set 'format' to jsonl, csv, tsv or text.");

    /// <summary>The format that the file's name stands for; null when the extension is not known.</summary>
    public static DataFormat? KnownFormat(string path) => Path.GetExtension(Unpacked(path)).ToLowerInvariant() switch
    {
        ".jsonl" or ".ndjson" or ".json" => DataFormat.Jsonl,
        ".csv" => DataFormat.Csv,
        ".tsv" or ".tab" => DataFormat.Tsv,
        ".txt" or ".text" => DataFormat.Text,
        _ => null,
    };

    private static string Unpacked(string path)
    {
        var name = Path.GetFileName(path);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            name = name[..^3];
        return name;
    }

    private static (string? Name, string Command) Packer(ReadOnlySpan<byte> magic) =>
        magic.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? ("zstd", "unzstd")
        : magic.StartsWith("BZh"u8) ? ("bzip2", "bunzip2")
        : magic.StartsWith((ReadOnlySpan<byte>)[0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) ? ("xz", "unxz")
        : magic.StartsWith((ReadOnlySpan<byte>)[0x50, 0x4B, 0x03, 0x04]) ? ("zip", "unzip")
        : (null, "");

    private static string Neighbour(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (!Directory.Exists(folder))
            return $" Nor is there a folder '{Path.GetDirectoryName(path)}'; relative paths count from {Environment.CurrentDirectory}.";
        return Suggest.DidYouMean(Path.GetFileName(path), Directory.EnumerateFiles(folder).Take(10_000).Select(file => Path.GetFileName(file)));
    }
}
