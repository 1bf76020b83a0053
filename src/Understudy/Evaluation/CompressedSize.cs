using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;

namespace Understudy.Evaluation;

/// <summary>How many bytes compressors make of a text: what is known about it without a language model.</summary>
internal static class CompressedSize
{
    /// <summary>With gzip at its best level.</summary>
    public static long Gzip(byte[] text)
    {
        using var counted = new MemoryStream();
        using (var gzip = new GZipStream(counted, CompressionLevel.SmallestSize, leaveOpen: true)) gzip.Write(text);
        return counted.Length;
    }

    /// <summary>With <c>xz -9e</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="program">The program, found as the system finds programs.</param>
    /// <returns>Null when the program is not there or fails.</returns>
    public static long? Xz(byte[] text, string program = "xz")
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        // As -9e, without the memory for a text of 64 MiB where it is shorter; that changes nothing else.
        var dictionary = Math.Clamp((long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)text.Length), 1 << 16, 64 << 20);
        foreach (var argument in new[] { FormattableString.Invariant($"--lzma2=preset=9e,dict={dictionary}"), "--format=xz", "--threads=1", "--stdout" }) start.ArgumentList.Add(argument);
        // They would add options of the user's own.
        foreach (var name in new[] { "XZ_OPT", "XZ_DEFAULTS" }) start.Environment.Remove(name);
        try
        {
            using var process = Process.Start(start)!;
            // Whatever it says must be taken from it, or it waits for ever.
            var said = process.StandardError.ReadToEndAsync();
            var counted = Task.Run(() => Length(process.StandardOutput.BaseStream));
            using (var input = process.StandardInput.BaseStream) input.Write(text);
            process.WaitForExit();
            Task.WaitAll(said, counted);
            return process.ExitCode == 0 ? counted.Result : null;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return null;
        }
    }

    private static long Length(Stream stream)
    {
        var buffer = new byte[1 << 16];
        var length = 0L;
        for (int read; (read = stream.Read(buffer)) > 0; length += read)
        {
        }

        return length;
    }
}
