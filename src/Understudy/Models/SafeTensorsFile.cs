using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Understudy.Models;

/// <summary>
/// A safetensors file, mapped into memory and checked, whose tensors are read in place.
/// <para>
/// The mapping is read-only and lives until <see cref="Dispose"/>; a pointer taken from it must not be used after that. Code that
/// keeps a pointer longer holds <see cref="View"/> with <see cref="SafeHandle.DangerousAddRef"/>. Reading from several threads is safe.
/// A file must not be shortened by others while it is open; <see cref="SafeTensorsWriter"/> replaces files instead of rewriting them.
/// </para>
/// </summary>
public sealed unsafe class SafeTensorsFile : IDisposable
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* data;
    private readonly long dataLength;
    private readonly Dictionary<string, SafeTensorsEntry> byName;
    private bool disposed;

    private SafeTensorsFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, byte* start, long length)
    {
        var headerLength = SafeTensorsHeader.ReadLength(path, new ReadOnlySpan<byte>(start, (int)Math.Min(length, SafeTensorsHeader.LengthBytes)), length);
        dataLength = length - SafeTensorsHeader.LengthBytes - headerLength;
        var header = SafeTensorsHeader.Parse(path, new ReadOnlySpan<byte>(start + SafeTensorsHeader.LengthBytes, headerLength), dataLength);
        data = start + SafeTensorsHeader.LengthBytes + headerLength;
        byName = header.Entries.ToDictionary(entry => entry.Name);
        (this.map, this.view, Path, Entries, Metadata) = (map, view, path, header.Entries, header.Metadata);
    }

    /// <summary>The path the file was opened by.</summary>
    public string Path { get; }

    /// <summary>The tensors, in the order of their data.</summary>
    public IReadOnlyList<SafeTensorsEntry> Entries { get; }

    /// <summary>The free-form texts under <c>__metadata__</c>; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The mapped bytes. Whoever keeps a pointer beyond the life of this object adds a reference to this handle.</summary>
    public SafeBuffer View => view.SafeMemoryMappedViewHandle;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a safetensors file or breaks a rule of the format.</exception>
    public static SafeTensorsFile Open(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var length = stream.Length;
        // An empty file cannot be mapped.
        if (length == 0) SafeTensorsHeader.ReadLength(path, [], 0);
        var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        MemoryMappedViewAccessor? view = null;
        byte* start = null;
        try
        {
            view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            return new SafeTensorsFile(path, map, view, start + view.PointerOffset, length);
        }
        catch
        {
            if (start is not null) view!.SafeMemoryMappedViewHandle.ReleasePointer();
            view?.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of this name; false when the file has none.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafeTensorsEntry? entry) => byName.TryGetValue(name, out entry);

    /// <summary>The address of a tensor's first byte, valid until this object is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    /// <exception cref="ArgumentException">The entry is not one of this file's.</exception>
    public nint PointerTo(SafeTensorsEntry entry)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (!byName.TryGetValue(entry.Name, out var mine) || !ReferenceEquals(mine, entry))
            throw new ArgumentException($"Tensor {SafeTensorsHeader.Quote(entry.Name)} does not come from {Path}. Take the entry from this file's Entries.", nameof(entry));
        return (nint)(data + entry.Begin);
    }

    /// <summary>
    /// Whether the address of a tensor is a multiple of its element size. It is in every file whose header is padded to 8 bytes, as all
    /// writers have done since 2023; an older file's tensors may have to be copied before use.
    /// </summary>
    public bool IsAligned(SafeTensorsEntry entry) => PointerTo(entry) % entry.DType.Alignment() == 0;

    /// <summary>A tensor's bytes in place, valid until this object is disposed.</summary>
    /// <exception cref="ArgumentException">The entry is not one of this file's, or is longer than a span can be.</exception>
    public ReadOnlySpan<byte> BytesOf(SafeTensorsEntry entry)
    {
        var pointer = PointerTo(entry);
        if (entry.ByteCount > int.MaxValue)
            throw new ArgumentException($"Tensor {SafeTensorsHeader.Quote(entry.Name)} has {entry.ByteCount} bytes, a span holds {int.MaxValue}. Use PointerTo.", nameof(entry));
        return new ReadOnlySpan<byte>((void*)pointer, (int)entry.ByteCount);
    }

    /// <summary>Closes the file. Pointers taken from it become invalid unless <see cref="View"/> is still referenced.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}
