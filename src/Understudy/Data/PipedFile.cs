namespace Understudy.Data;

/// <summary>A file that cannot be read twice, such as <c>/dev/stdin</c> behind a pipe: the bytes that were looked at, then the rest.</summary>
internal sealed class PipedFile(byte[] head, Stream rest) : ForwardStream
{
    private int taken;

    /// <inheritdoc/>
    public override int Read(Span<byte> destination)
    {
        if (taken == head.Length)
            return rest.Read(destination);
        var count = Math.Min(head.Length - taken, destination.Length);
        head.AsSpan(taken, count).CopyTo(destination);
        taken += count;
        return count;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            rest.Dispose();
        base.Dispose(disposing);
    }
}
