using System.IO.Compression;

namespace Understudy.Data;

/// <summary>
/// Unpacks gzip and notices when the file was cut short, which <see cref="GZipStream"/> takes for a regular end. The file
/// is followed by one more gzip member with a known text: a complete file unpacks to its content and that text (members
/// may follow each other), a cut one does not.
/// </summary>
internal sealed class GzipReader : ForwardStream
{
    private static readonly byte[] Mark = [.. "end of file: 5c0f1e83-87c1-4a51"u8];
    private static readonly byte[] MarkMember = PackMark();

    private readonly GZipStream gzip;
    private readonly string path;
    private readonly byte[] buffer = new byte[1 << 16];
    private int start, end;
    private bool ended;

    /// <summary>Unpacks <paramref name="file"/> and disposes of it in the end; <paramref name="path"/> is for error messages.</summary>
    public GzipReader(Stream file, string path)
    {
        gzip = new GZipStream(new Followed(file), CompressionMode.Decompress);
        this.path = path;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is damaged or was cut short.</exception>
    public override int Read(Span<byte> destination)
    {
        // As many bytes as the mark has are held back, because they may be the mark.
        while (!ended && end - start <= Mark.Length)
            Fill();
        var available = Math.Min(end - start - (ended ? 0 : Mark.Length), destination.Length);
        buffer.AsSpan(start, available).CopyTo(destination);
        start += available;
        return available;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            gzip.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        int count;
        try
        {
            count = gzip.Read(buffer.AsSpan(end));
        }
        catch (InvalidDataException)
        {
            throw Damaged();
        }
        end += count;
        if (count > 0)
            return;
        ended = true;
        if (!buffer.AsSpan(start, end - start).EndsWith(Mark))
            throw Damaged();
        end -= Mark.Length;
    }

    private InvalidDataException Damaged() => new($"{path}: the gzip data is damaged or cut short. Check it with gzip -t '{path}' and fetch the file again.");

    private static byte[] PackMark()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Mark);
        return packed.ToArray();
    }

    // The file's bytes, then the member with the mark.
    private sealed class Followed(Stream file) : ForwardStream
    {
        private readonly MemoryStream mark = new(MarkMember, writable: false);

        public override int Read(Span<byte> destination)
        {
            var count = file.Read(destination);
            return count > 0 ? count : mark.Read(destination);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
                mark.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
