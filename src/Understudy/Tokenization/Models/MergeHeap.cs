namespace Understudy.Tokenization.Models;

/// <summary>A binary heap of (rank, position), smallest first, packed into one number each.</summary>
internal sealed class MergeHeap(int capacity)
{
    private ulong[] items = new ulong[Math.Max(4, capacity)];
    private int count;

    public void Push(int rank, int position)
    {
        if (count == items.Length) Array.Resize(ref items, count * 2);
        var item = (ulong)(uint)rank << 32 | (uint)position;
        var hole = count++;
        while (hole > 0)
        {
            var parent = (hole - 1) / 2;
            if (items[parent] <= item) break;
            items[hole] = items[parent];
            hole = parent;
        }
        items[hole] = item;
    }

    public bool TryPop(out int rank, out int position)
    {
        rank = position = 0;
        if (count == 0) return false;
        rank = (int)(items[0] >> 32);
        position = (int)items[0];
        var item = items[--count];
        var hole = 0;
        while (true)
        {
            var child = 2 * hole + 1;
            if (child >= count) break;
            if (child + 1 < count && items[child + 1] < items[child]) child++;
            if (items[child] >= item) break;
            items[hole] = items[child];
            hole = child;
        }
        items[hole] = item;
        return true;
    }
}
